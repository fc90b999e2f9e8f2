"""The convolutions and matrix products of one pass, read off its graph."""

import math
from typing import NamedTuple

import tensorflow as tf

_KINDS = ("Conv2D", "MatMul")
FLOPS_PER_MULTIPLY_ADD = 2
TRAINING_PASSES = 3
"""Forward, gradient of the inputs, gradient of the kernels."""


class Product(NamedTuple):
    """One convolution or matrix product, of one image.

    Attributes:
        kind: "Conv2D" or "MatMul".
        input_shape: (H, W, C) with its padding, or (C,).
        kernel_shape: (k, k, C, F), or (C, F).
        strides: of the convolution, px; 1 for a matrix product.
        padding: "SAME" or "VALID"; "" for a matrix product.
        output_shape: (H', W', F), or (F,).
    """

    kind: str
    input_shape: tuple
    kernel_shape: tuple
    strides: int
    padding: str
    output_shape: tuple

    @property
    def multiply_adds(self):
        """Of one image, a Python int."""
        outputs = math.prod(self.output_shape)
        return outputs * math.prod(self.kernel_shape[:-1])


def products_of(model, *, image_size):
    """Every convolution and matrix product of a forward pass.

    Args:
        model: a built `SimCLR`, or any function of images.
        image_size: side of the square input, px.

    Returns:
        A list of `Product`s, in the order of the graph.
    """
    images = tf.TensorSpec([1, image_size, image_size, 3], tf.float32)
    function = tf.function(lambda batch: model(batch, training=False))
    graph = function.get_concrete_function(images).graph
    return [_read(op) for op in graph.get_operations() if op.type in _KINDS]


def multiply_adds(model, *, image_size):
    """Multiply-adds of one image's forward pass, a Python int."""
    found = products_of(model, image_size=image_size)
    return sum(product.multiply_adds for product in found)


def training_flops(model, *, image_size):
    """FLOPs of one view in a training step: 6 x multiply-adds.

    Args:
        model: as in `products_of`.
        image_size: px.

    Returns:
        A Python int. Everything but the products is left out, as is usual.
    """
    return (
        FLOPS_PER_MULTIPLY_ADD
        * TRAINING_PASSES
        * multiply_adds(model, image_size=image_size)
    )


def _read(op):
    images, kernel = op.inputs
    is_conv = op.type == "Conv2D"
    return Product(
        kind=op.type,
        input_shape=tuple(images.shape[1:]),
        kernel_shape=tuple(kernel.shape),
        strides=op.get_attr("strides")[1] if is_conv else 1,
        padding=op.get_attr("padding").decode() if is_conv else "",
        output_shape=tuple(op.outputs[0].shape[1:]),
    )
