"""`--eval_protocol=transfer`: what an encoder is worth on other data sets."""

from absl import logging

from simclr_tf import errors, files
from simclr_tf.commands import transfer_finetune, transfer_linear
from simclr_tf.data import transfer_sets
from simclr_tf.setup import given_images, model_dir
from simclr_tf.training import console
from simclr_tf.viz import transfer as table

_METHODS = {
    "linear": transfer_linear.LinearTransfer,
    "finetune": transfer_finetune.FinetuneTransfer,
}
CLASSIFIERS = {
    "linear": "logistic regression on frozen features",
    "finetune": "networks fine-tuned on each set",
}
"""Title of the table, by method."""


def run(config, model, path, step, former):
    """Scores an encoder on every set that can be opened.

    Args:
        config: a `Config`; its `transfer_method` says how.
        model: the pretrained `SimCLR` model.
        path: of its checkpoint.
        step: that it was reached at.
        former: what was returned for this step before, {} for nothing; sets
            that are not scored again stay in the table.

    Returns:
        JSON-able dict of method -> set name -> its `viz.transfer.Row` as a
        dict.

    Raises:
        errors.UserError: if a set is named twice, or no set at all could be
            measured.
    """
    found = transfer_sets.find(
        config.transfer_datasets, data_dir=config.data_dir
    )
    method = config.transfer_method
    score = _METHODS[method](config, model, path)
    names = {each.name for each in found}
    kept = former.get(method, {})
    kept = [table.Row(**kept[name]) for name in kept if name not in names]
    rows = []
    for each in found:
        rows.append(measure(config, each, score))
        write(config, kept + rows, step)
    if all(row.score is None for row in rows):
        raise errors.UserError(
            f"transfer_datasets must name a set that can be opened; "
            f"{rows[0].dataset}: {rows[0].reason}"
        )
    console.show(table.render(kept + rows, classifier=CLASSIFIERS[method]))
    return {method: {row.dataset: row._asdict() for row in rows}}


def write(config, rows, step):
    """Writes the rows there are to `report/`; other sets may take days."""
    name = f"transfer_{config.transfer_method}_{step}.csv"
    path = model_dir.report_path(config.model_dir, name)
    files.write_text(path, table.to_csv(rows))


def measure(config, each, score):
    """The row of one set; where there is no score, with the reason.

    Args:
        config: a `Config`.
        each: a `transfer_sets.TransferSet`.
        score: function of it giving (score, setting).
    """
    value, setting, reason = None, {}, ""
    try:
        check_openable(config, each)
        value, setting = score(each)
        logging.info("%s  %s %.4f", each.name, each.metric, value)
    except errors.UserError as error:
        reason = str(error)
        logging.info("%s  %s: %s", each.name, table.NOT_MEASURED, reason)
    published = {
        "linear": each.published_linear,
        "finetune": each.published_finetune,
    }
    return table.Row(
        each.name,
        each.metric,
        value,
        published[config.transfer_method],
        setting,
        reason,
    )


def check_openable(config, each):
    """Opens every split of a set, before days are spent on the first.

    Args:
        config: a `Config`.
        each: a `transfer_sets.TransferSet`.

    Raises:
        errors.UserError: if one cannot be opened.
    """
    if each.dataset is None:
        raise errors.UserError(f"it must be given as {each.name}=folder:PATH")
    for split in (each.train, each.validation, each.test):
        source = given_images.open_transfer(config, each, split)
        if each.num_classes not in (None, source.num_classes):
            logging.warning(
                "%s split %r has %d classes, not the paper's %d: the published "
                "score is of another set",
                each.name,
                split,
                source.num_classes,
                each.num_classes,
            )
