"""A model's variables by path, matched with those of a checkpoint.

A checkpoint holds every variable under its own path
(`model/simclr/resnet/...`, `optimizer/...`), not under the object graph that
Keras happens to track: a layer kept in a list would silently vanish from
that.
"""

import typing

import tensorflow as tf

VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
DAMAGE = (tf.errors.OpError, IndexError, ValueError)
"""What TensorFlow raises on a missing, short or altered checkpoint file."""


class Match(typing.NamedTuple):
    """How the keys of a checkpoint meet those of a run.

    Attributes:
        matched: keys in both, with equal shapes.
        missing: keys of the run that the checkpoint lacks.
        unexpected: keys of the checkpoint that the run lacks.
        misshapen: (key, shape in the checkpoint, shape in the run).
    """

    matched: tuple
    missing: tuple
    unexpected: tuple
    misshapen: tuple

    @property
    def is_exact(self):
        """Whether both sides hold the same keys with the same shapes."""
        return not (self.missing or self.unexpected or self.misshapen)

    def __str__(self):
        """One line of counts, and the first odd ones by name."""
        counts = (
            f"{len(self.matched)} matched, {len(self.missing)} missing, "
            f"{len(self.unexpected)} unexpected, "
            f"{len(self.misshapen)} of another shape"
        )
        odd = [f"missing {key}" for key in self.missing]
        odd += [f"unexpected {key}" for key in self.unexpected]
        odd += [f"{key} is {a}, not {b}" for key, a, b in self.misshapen]
        return counts + ("" if not odd else f" ({'; '.join(odd[:3])})")


def variable_table(state):
    """Every variable of a run by its checkpoint key.

    Keras numbers optimizers (`sgd`, `sgd_1`, ...) as a process makes them,
    so an optimizer's own name is left out of its keys.

    Args:
        state: a `TrainState`; without an optimizer, of the model alone.

    Returns:
        dict of key -> `tf.Variable`; raises ValueError if two variables
        share a path, since one would be lost.
    """
    table = {}
    for kind, owner in zip(("model", "optimizer"), state, strict=True):
        for variable in owner.variables if owner else ():
            path = variable.path
            if kind == "optimizer":
                path = path.partition("/")[2]
            key = f"{kind}/{path}"
            if key in table:
                raise ValueError(f"two variables are called {key}")
            table[key] = variable.value
    return table


def read_shapes(prefix):
    """Shapes of the variables in a checkpoint by key.

    Args:
        prefix: path of a checkpoint without `.index`.

    Returns:
        dict of key (without TensorFlow's suffix) -> shape list.
    """
    reader = tf.compat.v1.train.NewCheckpointReader(prefix)
    return {
        key.removesuffix(VALUE_SUFFIX): shape
        for key, shape in reader.get_variable_to_shape_map().items()
        if key.endswith(VALUE_SUFFIX)
    }


def match(table, shapes):
    """Compares a variable table with the shapes in a checkpoint."""
    both = sorted(set(table) & set(shapes))
    ours = {key: table[key].shape.as_list() for key in both}
    return Match(
        matched=tuple(key for key in both if ours[key] == shapes[key]),
        missing=tuple(sorted(set(table) - set(shapes))),
        unexpected=tuple(sorted(set(shapes) - set(table))),
        misshapen=tuple(
            (key, shapes[key], ours[key])
            for key in both
            if ours[key] != shapes[key]
        ),
    )


def first_line(error):
    """The first line of an exception's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def nest(table):
    """A tree of `tf.train.Checkpoint`s with the table's keys as paths."""
    root = tf.train.Checkpoint()
    for key, variable in table.items():
        *parents, leaf = key.split("/")
        node = root
        for name in parents:
            child = getattr(node, name, None)
            if not isinstance(child, tf.train.Checkpoint):
                child = tf.train.Checkpoint()
                setattr(node, name, child)
            node = child
        setattr(node, leaf, variable)
    return root
