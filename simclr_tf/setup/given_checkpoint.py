"""What `--checkpoint` names: the architecture and the weights it brings."""

import re

import tensorflow as tf
from absl import logging

from simclr_tf import errors
from simclr_tf.checkpoints import architecture, checkpoint, loading, opened, tf1
from simclr_tf.setup import model_dir, same_data

HEAD_FIELDS = frozenset(("proj_head_mode", "num_proj_layers", "proj_out_dim"))
BEYOND_ARCHITECTURE = ("ft_proj_selector", "batch_norm_decay")
"""What the outputs depend on, too, though no variable shows it."""
USUAL_PX = {"cifar": 32, "imagenet": 224}
"""Image size by stem, where a checkpoint does not tell it (official)."""


def adopt_architecture(config, *, also=()):
    """Takes architecture fields not set from the checkpoint that is given.

    Where `model_dir` has checkpoints of its own the run resumes: its own
    architecture counts, and `checkpoint` is ignored.

    Args:
        config: a `Config`.
        also: names of further fields to take, where ours are recorded with
            the checkpoint.

    Returns:
        The completed `Config`.

    Raises:
        errors.UserError: if a field that was set makes another network than
            the checkpoint holds.
    """
    if not config.checkpoint:
        return config
    if config.model_dir and checkpoint.committed_steps(config.model_dir):
        theirs = _of_run(config.model_dir)
    else:
        theirs = _of_checkpoint(config, also)
    unset = theirs.keys() - config.explicit
    return config.replace(**{name: theirs[name] for name in unset})


def recall(config):
    """What to evaluate or export: a run, or a checkpoint of no run.

    Args:
        config: a `Config` with `model_dir` or `checkpoint`.

    Returns:
        (the completed `Config`, facts of the run). See
        `model_dir.recall_run`; without a run, the facts are what the
        checkpoint tells.

    Raises:
        errors.UserError: if there is neither, or a field that was set
            contradicts it.
    """
    directory = config.model_dir or model_dir.run_of(config.checkpoint)
    if not config.checkpoint or model_dir.read_run(directory) is not None:
        return model_dir.recall_run(config)
    config = adopt_whole_network(config)
    return config, facts_of(opened.open_checkpoint(config.checkpoint))


def adopt_whole_network(config):
    """As `adopt_architecture`, with what the supervised head reads."""
    return adopt_architecture(config, also=BEYOND_ARCHITECTURE)


def facts_of(found):
    """What an opened checkpoint of no run tells of where it comes from."""
    return {
        "num_classes": architecture.read_layout(found).num_classes,
        "train_steps": found.step,
        same_data.CLASS_NAMES: found.facts.get(same_data.CLASS_NAMES),
        model_dir.IMPORTED: {"path": found.path, "kind": found.kind},
    }


def load(path, model):
    """Fills a built model, heads and all.

    Args:
        path: whatever `opened.open_checkpoint` takes.
        model: a built `SimCLR`.

    Returns:
        The `opened.Opened`.

    Raises:
        errors.UserError: if it does not hold the model's weights.
    """
    return _load(path, model, skip=())


def warm_start(config, model):
    """Starts training from `config.checkpoint`.

    Left as they are: what `variable_schema` does not match, and the
    supervised head unless `keep_logits_layer`, since a head found in a
    checkpoint may have seen labels that this run is not to see.

    Raises:
        errors.UserError: if it does not hold the rest.
    """
    fresh = [] if config.keep_logits_layer else model.supervised_variables
    fresh = fresh + _left_out(config.variable_schema, model)
    _load(config.checkpoint, model, skip=fresh)


def zero_head(model):
    """Sets the supervised head to zero."""
    for variable in model.supervised_variables:
        variable.assign(tf.zeros_like(variable))


def _load(path, model, *, skip):
    found = opened.open_checkpoint(path)
    match = loading.load(found, model, skip=skip)
    logging.info("weights from %s (%s): %s", found.prefix, found, match)
    fresh = {variable.path for variable in skip}
    if fresh:
        logging.info("%d variables newly initialised", len(fresh))
    return found


def _left_out(schema, model):
    """Variables whose TF1 name the schema does not match."""
    if not schema:
        return []
    named = tf1.tf1_variables(model)
    return [v for name, v in named.items() if not re.match(schema, name)]


def _of_run(directory):
    former = model_dir.read_run(directory)
    return former["config"].architecture() if former else {}


def _of_checkpoint(config, also):
    found = opened.open_checkpoint(config.checkpoint)
    inferred, layout = architecture.infer(found)
    recorded = _recorded(found)
    if "sk_ratio" in recorded:  # not every network's shapes tell it
        inferred.setdefault("sk_ratio", recorded["sk_ratio"])
    # Who takes the whole network has its head, whatever training would take.
    is_whole = bool(also)
    if not (is_whole or _takes_head(config.variable_schema)):
        inferred = {k: v for k, v in inferred.items() if k not in HEAD_FIELDS}
    for name in inferred.keys() & config.explicit:
        value = getattr(config, name)
        if not architecture.agrees(layout, name, value, inferred[name]):
            raise errors.UserError(
                f"{name} must be {inferred[name]!r}, as in the checkpoint "
                f"{config.checkpoint!r}; got {value!r}"
            )
    theirs = {"image_size": USUAL_PX[inferred["stem"]]} | inferred
    wanted = (*config.architecture(), *also)
    # The run's own words for the same network: ratios as they were given.
    return theirs | {
        name: recorded[name]
        for name in wanted
        if name in recorded
        and name != "stem"  # "auto" would follow another image size
        and (
            name not in inferred
            or architecture.agrees(layout, name, recorded[name], inferred[name])
        )
    }


def _recorded(found):
    """Flags recorded with a checkpoint of ours; {} for others."""
    if found.kind == opened.OUR_SAVED_MODEL:
        image_size = {"image_size": found.facts["image_size"]}
        return image_size | found.facts.get("identity", {})
    former = None
    if found.kind == opened.OURS:
        former = model_dir.read_run(model_dir.run_of(found.path))
    return former["config"].identity() if former else {}


def _takes_head(schema):
    return not schema or re.match(schema, f"{tf1.PROJECTION_HEAD}nl_0/dense")
