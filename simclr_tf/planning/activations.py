"""How much of a training pass must be in memory at once, read off its graph.

The pass and its gradient are traced on a number of rows that no other size
equals, so that a tensor whose first axis is that long belongs to the rows;
nothing is computed. Walking the operations in their order, a tensor is in
memory from the operation that makes it to the last one that reads it.

What this finds on ResNets: of every convolution its output, which batch norm's
gradient needs, and of every ReLU its output, which is the next convolution's
input; the normalised values between them are dropped. A strided convolution
keeps its padded input as well. Synchronised batch norm in bfloat16 keeps its
input widened to float32, half as much again. With rematerialisation: the
inputs of the blocks, and one block.
"""

import collections
import math
from typing import NamedTuple

import tensorflow as tf

ROWS = 1009
"""A prime that is no kernel's side, and no width a network is given."""
_ALIASES = frozenset(
    (
        "ExpandDims",
        "Identity",
        "IdentityN",
        "Placeholder",
        "PreventGradient",
        "Reshape",
        "Squeeze",
        "StopGradient",
    )
)
"""Operations that hand on what they were given, without a copy."""


class Activations(NamedTuple):
    """Bytes of one row, that is of one view of one image; and a count.

    Attributes:
        kept: what the forward pass leaves for the backward pass.
        peak: the most at any time, gradients of activations included.
        forward: the most at any time without a backward pass.
        operations: of the traced pass and its gradient; not bytes.
    """

    kept: float
    peak: float
    forward: float
    operations: int


def activations_of(model, *, image_size):
    """Traces a training pass of a model and its gradient.

    Args:
        model: a built `SimCLR`.
        image_size: side of the square input, px.

    Returns:
        `Activations`. The input itself is not in it.

    Distribution: of one replica; synchronised statistics cost no more.
    """
    rows = tf.TensorSpec([ROWS, image_size, image_size, 3], tf.float32)

    @tf.function
    def forward(images):
        return _total(model(images, training=True))

    @tf.function
    def both(images):
        with tf.GradientTape() as tape:
            total = _total(model(images, training=True))
        return total, tape.gradient(
            total,
            model.trainable_variables,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )

    graph = both.get_concrete_function(rows).graph
    sizes = live_bytes(graph)
    loss = graph.outputs[0]
    turn = [op.name for op in graph.get_operations()].index(_made_by(loss))
    without = live_bytes(forward.get_concrete_function(rows).graph)
    return Activations(
        kept=sizes[turn] / ROWS,
        peak=max(sizes) / ROWS,
        forward=max(without) / ROWS,
        operations=len(sizes),
    )


def live_bytes(graph):
    """Bytes of the rows' tensors in memory at each operation of a graph.

    Args:
        graph: a `tf.Graph`, traced on `ROWS` rows.

    Returns:
        A list of ints, one for each operation.
    """
    operations = graph.get_operations()
    last = {}
    for index, operation in enumerate(operations):
        for tensor in operation.inputs:
            last[_source(tensor).ref()] = index
    for tensor in graph.outputs:
        last[_source(tensor).ref()] = len(operations)
    freed = collections.Counter()
    for reference, index in last.items():
        freed[index] += _row_bytes(reference.deref())
    live, found = 0, []
    for index, operation in enumerate(operations):
        made = [t for t in operation.outputs if t.ref() in last]
        live += sum(map(_row_bytes, made))
        found.append(live)
        live -= freed[index]
    return found


def _total(outputs):
    """One number that all outputs reach."""
    given = (outputs.projections, outputs.logits)
    return tf.add_n([tf.reduce_sum(x) for x in given if x is not None])


def _made_by(tensor):
    return _source(tensor).op.name


def _source(tensor):
    """The tensor whose memory this one shares."""
    while tensor.op.type in _ALIASES and tensor.op.inputs:
        index = min(tensor.value_index, len(tensor.op.inputs) - 1)
        tensor = tensor.op.inputs[index]
    return tensor


def _row_bytes(tensor):
    """Size of a tensor that the rows make, or 0."""
    if tensor.op.type in _ALIASES or not tensor.shape.rank:
        return 0
    if not tensor.shape.is_fully_defined() or tensor.shape[0] != ROWS:
        return 0
    return math.prod(tensor.shape) * tensor.dtype.size
