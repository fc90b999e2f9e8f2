"""What a path holds: checkpoints and SavedModels, ours and the official ones.

Only tensors and the graph of attributes are read; no graph of operations is
ever loaded, let alone run.
"""

import os
import re
import typing

import tensorflow as tf

from simclr_tf import errors, files
from simclr_tf.checkpoints import (
    checkpoint,
    official,
    saved_model_graph,
    tf1,
    weights,
)

OURS = "checkpoint of simclr_tf"
OUR_SAVED_MODEL = "SavedModel of simclr_tf"
OFFICIAL_TF2 = "official TF2 checkpoint"
OFFICIAL_SAVED_MODEL = "official TF2 SavedModel"
OFFICIAL_TF1 = "official TF1 checkpoint"

METADATA_FILE = "simclr_metadata.json"
"""Lies in every SavedModel of ours."""
STEP_KEYS = tuple(
    name + suffix
    for name in ("global_step", "optimizer/iter", "optimizer/iteration")
    for suffix in ("", weights.VALUE_SUFFIX)
)
SLOT = re.compile(r"/\.OPTIMIZER_SLOT/|^optimizer/")
AVERAGE = "ExponentialMovingAverage"


class Opened(typing.NamedTuple):
    """The variables of a network in a file, by the names of its kind.

    Attributes:
        path: what the user gave.
        kind: `OURS` or another of the five above.
        prefix: path of the tensors without `.index`.
        keys: dict of name -> key of the tensor.
        shapes: dict of name -> shape, a list.
        ignored: dict of what else there is -> how many tensors.
        step: the training step it was written at; 0 if it does not say.
        facts: the metadata of a SavedModel of ours, else {}.
    """

    path: str
    kind: str
    prefix: str
    keys: dict
    shapes: dict
    ignored: dict
    step: int
    facts: dict

    def __str__(self):
        """One line: kind, step, and what was left alone."""
        ignored = [f"{count} {what}" for what, count in self.ignored.items()]
        text = f"{self.kind}, step {self.step}"
        return text + (
            f"; not restored: {', '.join(ignored)}" if ignored else ""
        )


def open_checkpoint(path):
    """Finds out what a path holds.

    Args:
        path: a checkpoint with or without `.index`, or a directory with
            checkpoints or a SavedModel.

    Returns:
        An `Opened`.

    Raises:
        errors.UserError: if there is nothing, it cannot be read, or it is of
            another network.
    """
    try:
        prefix = find_prefix(path)
        reader = tf.compat.v1.train.NewCheckpointReader(prefix)
        return _open(path, prefix, reader)
    except errors.UserError:
        raise
    except weights.DAMAGE as error:
        raise errors.UserError(
            f"checkpoint must be readable; {path!r}: "
            f"{weights.first_line(error)}"
        ) from error


def find_prefix(path):
    """The tensors a user means by a path.

    Of several checkpoints in a directory the one named by TensorFlow's
    `checkpoint` file counts, or else the one with the highest number.

    Args:
        path: see `open_checkpoint`.

    Returns:
        A path prefix that has an index file.

    Raises:
        errors.UserError: if there is none.
    """
    prefix = path.removesuffix(".index")
    if tf.io.gfile.exists(f"{prefix}.index"):
        return prefix
    for name in _candidates(path) if tf.io.gfile.isdir(path) else ():
        prefix = os.path.join(path, name)
        if tf.io.gfile.exists(f"{prefix}.index"):
            return prefix
    raise errors.UserError(
        "checkpoint must name a checkpoint or a SavedModel, or a directory "
        f"with one; got {path!r}"
    )


def _candidates(directory):
    """Names of prefixes to look for in a directory, the best first."""
    steps = checkpoint.committed_steps(directory)
    yield from (f"ckpt-{step}" for step in steps[-1:])
    variables = os.path.join("variables", "variables")
    yield variables
    state = os.path.join(directory, "checkpoint")
    if tf.io.gfile.exists(state) and not tf.io.gfile.isdir(state):
        with tf.io.gfile.GFile(state, "rb") as file:
            named = re.match(rb'model_checkpoint_path: "(.*)"', file.read())
        yield os.path.basename(named[1].decode()) if named else ""
    names = tf.io.gfile.listdir(directory)
    exports = [int(x.rstrip("/")) for x in names if x.rstrip("/").isdigit()]
    exports.sort(reverse=True)
    yield from (os.path.join(str(step), variables) for step in exports)
    numbered = [re.match(r"(.*?(\d+))\.index$", name) for name in names]
    numbered = [found for found in numbered if found]
    numbered.sort(key=lambda found: int(found[2]))
    yield from (found[1] for found in numbered[-1:])


def _open(path, prefix, reader):
    tensors = reader.get_variable_to_shape_map()
    facts = _facts(prefix)
    kind, keys = _recognise(reader, tensors, facts, prefix)
    if not keys:
        raise errors.UserError(
            f"checkpoint must be of a SimCLR network; {path!r} holds "
            f"{len(tensors)} tensors with other names"
        )
    return Opened(
        path=path,
        kind=kind,
        prefix=prefix,
        keys=keys,
        shapes={name: tensors[key] for name, key in keys.items()},
        ignored=_ignored(set(tensors) - set(keys.values())),
        step=_step(reader, prefix, facts),
        facts=facts,
    )


def _recognise(reader, tensors, facts, prefix):
    """The kind, and names to keys; the names are empty for no kind of ours."""
    nodes = saved_model_graph.read_graph(reader)
    if facts:
        return OUR_SAVED_MODEL, _our_saved_names(nodes, facts)
    official_names = saved_model_graph.keys_by_name(nodes, official.NAME_TREE)
    is_saved_model = _is_saved_model(prefix)
    if official_names:
        kind = OFFICIAL_SAVED_MODEL if is_saved_model else OFFICIAL_TF2
        return kind, official_names | _strangers(tensors, official_names)
    tf1_names = _tf1_names(tensors)
    if tf1_names:
        return OFFICIAL_TF1, tf1_names
    return OURS, {} if is_saved_model else _our_names(tensors)


def _strangers(tensors, known):
    """Variables in an official encoder that have no official name.

    A SavedModel has its trainable ones under their numbers in a list.
    """
    reached = set(known.values())
    strange = [
        key
        for key in tensors
        if key not in reached
        and key.startswith((official.ENCODER, "trainable_variables_list/"))
        and not SLOT.search(key)
    ]
    names = [key.removesuffix(weights.VALUE_SUFFIX) for key in strange]
    return {
        official.ENCODER + name.removeprefix(official.ENCODER): key
        for name, key in zip(names, strange, strict=True)
    }


def _our_saved_names(nodes, facts):
    names = [f"model/{path}" for path in facts["variables"]]
    keys = saved_model_graph.keys_in_list(nodes, "variables")
    return dict(zip(names, keys, strict=True))


def _tf1_names(tensors):
    names = {key for key in tensors if key.startswith(tf1.SCOPES)}
    # A slot or a moving average goes by its variable's name and more.
    return {
        name: name for name in names if name.rpartition("/")[0] not in names
    }


def _our_names(tensors):
    suffix = weights.VALUE_SUFFIX
    return {
        key.removesuffix(suffix): key
        for key in tensors
        if key.startswith("model/") and key.endswith(suffix)
    }


def _is_saved_model(prefix):
    directory = os.path.dirname(os.path.dirname(prefix))
    return os.path.basename(prefix) == "variables" and tf.io.gfile.exists(
        os.path.join(directory, "saved_model.pb")
    )


def _facts(prefix):
    directory = os.path.dirname(os.path.dirname(prefix))
    path = os.path.join(directory, METADATA_FILE)
    if not (_is_saved_model(prefix) and tf.io.gfile.exists(path)):
        return {}
    facts = files.read_json(path)
    needed = {"variables": list, "global_step": int, "image_size": int}
    for name, kind in needed.items():
        if not isinstance(facts, dict) or not isinstance(facts.get(name), kind):
            raise errors.UserError(
                f"checkpoint must have a whole {METADATA_FILE}; that in "
                f"{directory!r} has no {name}"
            )
    return facts


def _step(reader, prefix, facts):
    if "global_step" in facts:
        return facts["global_step"]
    for key in STEP_KEYS:
        if reader.has_tensor(key):
            return int(reader.get_tensor(key))
    # By its name: `ckpt-12`, or `saved_model/12/variables/variables`.
    numbered = re.search(r"(?:ckpt-|/)(\d+)(?:/variables/variables)?$", prefix)
    return int(numbered[1]) if numbered else 0


def _ignored(keys):
    """Counts what is no variable of the network, by what it is."""
    counts = {"optimizer variables": 0, "moving averages of weights": 0}
    for key in keys:
        if AVERAGE in key:
            counts["moving averages of weights"] += 1
        elif SLOT.search(key) or key.startswith(tf1.SCOPES):
            counts["optimizer variables"] += 1
    return {what: count for what, count in counts.items() if count}
