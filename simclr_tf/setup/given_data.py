"""Which images, where flags do not say: those of the checkpoint, and a split.

`eval_split` is "validation" unless it is given. A set without it is scored on
"test"; one with neither on a tenth of its training images that is held out.
"""

import dataclasses

from absl import logging

from simclr_tf import errors
from simclr_tf.checkpoints import opened
from simclr_tf.config import Config, uses
from simclr_tf.data import split_names
from simclr_tf.setup import model_dir

FIELDS = ("dataset", "data_dir", "train_split", "eval_split")
"""What is taken together: a split is one of a data set."""
WHOLE, KEPT, HELD_OUT = "train", "train[:90%]", "train[90%:]"
_OTHER = "test"


def adopt(config):
    """Takes the data set from what is gone on with, unless it is given.

    That is the run in `model_dir`, or else what `checkpoint` or `teacher` was
    trained on.

    Args:
        config: a `Config`.

    Returns:
        The completed `Config`.

    Raises:
        errors.UserError: if a record cannot be understood, or there is no
            such checkpoint.
    """
    if "dataset" in config.explicit or uses.unused(config, ("dataset",)):
        return config
    for path, recorded in _records(config):
        taken = {n: v for n, v in recorded.items() if n in FIELDS}
        if "dataset" in taken:
            if path != config.model_dir:
                logging.info("dataset=%s, as in %s", taken["dataset"], path)
            unset = taken.keys() - config.explicit
            return config.replace(**{name: taken[name] for name in unset})
    return config


def settle_training(config):
    """Settles the splits of a training that is scored afterwards.

    Images that have to be held out are held out from the start; a run goes
    on with those it began with.

    Args:
        config: a `Config`, see `adopt`.

    Returns:
        The completed `Config`.

    Raises:
        errors.UserError: if no images can be held out.
    """
    former = model_dir.read_run(config.model_dir) if config.model_dir else None
    if former is not None:
        is_kept = former["config"].train_split == KEPT
        is_open = is_kept and "train_split" not in config.explicit
        return config.replace(train_split=KEPT) if is_open else config
    is_scored = config.mode == "label_curve" or (
        config.mode == "train_then_eval" and config.eval_protocol != "transfer"
    )
    if not is_scored or "eval_split" in config.explicit:
        return config
    is_chosen = "train_split" in config.explicit
    return _settle(config, lambda: not (is_chosen or _has_seen_labels(config)))


def settle_scoring(config, facts):
    """Settles the splits that a network is scored on, and probes fitted on.

    Args:
        config: a recalled `Config`.
        facts: of the run.

    Returns:
        The `Config` to score by. Its `train_split` may be a part of the
        images that the encoder has seen without labels.

    Raises:
        errors.UserError: if there are training images alone, and their
            labels were trained on.
    """
    if config.eval_protocol == "transfer" or "eval_split" in config.explicit:
        return config
    is_blind = (
        config.eval_protocol == "frozen" and config.train_mode == "pretrain"
    )
    is_imported = model_dir.IMPORTED in facts
    return _settle(config, lambda: is_blind or is_imported)


def _settle(config, may_hold_out):
    """Takes the usual split, or another; asks only where none is there."""
    names = split_names.of_dataset(
        config.dataset, data_dir=config.data_dir, download=config.download
    )
    usual = config.eval_split
    if usual in names or not {WHOLE, _OTHER} & set(names):
        return config.replace(eval_split=usual)
    chosen = {"eval_split": _OTHER}
    if _OTHER not in names:
        if config.train_split != KEPT:
            _check_can_hold_out(config, may_hold_out())
        chosen = {"train_split": KEPT, "eval_split": HELD_OUT}
    logging.info(
        "%s, as %r has no split %r",
        ", ".join(f"{name}={value}" for name, value in chosen.items()),
        config.dataset,
        usual,
    )
    return config.replace(**chosen)


def _check_can_hold_out(config, may_hold_out):
    if config.train_split == WHOLE and may_hold_out:
        return
    raise errors.UserError(
        f"eval_split must be given for {config.dataset!r}, which has no split "
        f"but {WHOLE!r}; no image of it is held out where labels of "
        f"{config.train_split!r} are trained on: train with "
        f"--train_split={KEPT} --eval_split={HELD_OUT}, or score a pretrained "
        f"network with --eval_protocol=frozen"
    )


def _has_seen_labels(config):
    """Whether the checkpoint has, of what would be held out."""
    if not config.checkpoint:
        return False
    recorded = _record_of(config.checkpoint)
    return (
        recorded.get("dataset") == config.dataset
        and recorded.get("train_mode", "pretrain") != "pretrain"
        and recorded.get("train_split", WHOLE) != KEPT
    )


def _records(config):
    """Yields a path and its record, of all that may tell the data set."""
    former = model_dir.read_run(config.model_dir) if config.model_dir else None
    if former is not None:
        yield config.model_dir, _unusual(dataclasses.asdict(former["config"]))
        return
    if config.checkpoint:
        yield config.checkpoint, _record_of(config.checkpoint)
    if config.teacher:
        with errors.about("teacher"):
            yield config.teacher, _record_of(config.teacher)


def _record_of(path):
    """The flags recorded with a checkpoint that are no defaults, a dict."""
    former = model_dir.read_run(model_dir.run_of(path))
    if former is not None:
        return _unusual(dataclasses.asdict(former["config"]))
    return _unusual(opened.open_checkpoint(path).facts.get("identity", {}))


def _unusual(values):
    """Those that are no defaults: of these, nobody need have thought."""
    usual = {field.name: field.default for field in dataclasses.fields(Config)}
    return {
        name: value
        for name, value in values.items()
        if value != usual.get(name, value)
    }
