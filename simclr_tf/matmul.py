"""Matrix products in full float32 on devices that round their inputs.

On GPUs since Ampere a float32 matmul multiplies in TF32 (11 significant
bits), on TPUs in bfloat16 (8 bits). At temperature 0.1 that moves a logit by
up to 0.01 and 0.04, and a resized pixel by a level of 255 or several. The
switch TensorFlow has for it is global, and there is
none for TPUs; so the operands are split instead.
"""

import contextlib
import contextvars

import tensorflow as tf

_UPPER_HALF = -0x10000  # the bits bfloat16 keeps: sign, exponent, 7 of 23
_NUM_PARTS = 3  # 3 x 8 significant bits hold the 24 of a float32
_is_on_cpu = contextvars.ContextVar("is_on_cpu", default=False)


@contextlib.contextmanager
def on_cpu():
    """A context whose operations are placed on the CPU of whoever runs them.

    Products are plain there, as on a machine with CPUs alone: a graph for
    others that is built within does not depend on the devices here.
    """
    token = _is_on_cpu.set(True)
    try:
        with tf.device("/device:CPU:0"):
            yield
    finally:
        _is_on_cpu.reset(token)


def full_precision_matmul(a, b, *, transpose_b=False):
    """Matrix product and its gradient in float32 on any device.

    Plain where only CPUs are visible, and within `on_cpu`; elsewhere through
    `split_matmul`, nine small products for one (little beside an encoder's
    cost).

    Args:
        a: float32 [..., n, k].
        b: float32 [..., k, m], of the same rank. Batch axes are equal, or
            statically 1 in either.
        transpose_b: `b` is [..., m, k] instead.

    Returns:
        float32 [..., n, m].
    """
    if _only_cpus():
        return tf.matmul(a, b, transpose_b=transpose_b)
    return split_matmul(a, b, transpose_b=transpose_b)


def split_matmul(a, b, *, transpose_b=False):
    """As `full_precision_matmul`, exact in every product on any device.

    Each operand is a sum of three bfloat16 numbers, so all products are exact
    in bfloat16, TF32 and float32 units alike; only the sums round, in float32.

    Args:
        a: see `full_precision_matmul`; finite.
        b: see there; finite.
        transpose_b: see there.

    Returns:
        float32 [..., n, m], differentiable any number of times.
    """
    return _product(a, tf.linalg.matrix_transpose(b) if transpose_b else b)


@tf.custom_gradient
def _product(a, b):
    def gradient(upstream):
        to_a = _product(upstream, tf.linalg.matrix_transpose(b))
        to_b = _product(tf.linalg.matrix_transpose(a), upstream)
        return _sum_as_broadcast(to_a, a), _sum_as_broadcast(to_b, b)

    product = 0.0
    for x in reversed(bfloat16_parts(a)):  # smallest first, to round least
        for y in reversed(bfloat16_parts(b)):
            product += tf.matmul(x, y)  # [..., n, m]
    return product, gradient


def _sum_as_broadcast(gradient, operand):
    """Sums over the batch axes along which the operand was repeated."""
    batch = enumerate(operand.shape[:-2])
    axes = [axis for axis, size in batch if size == 1]
    return tf.reduce_sum(gradient, axes, keepdims=True) if axes else gradient


def bfloat16_parts(x):
    """Splits a tensor into float32 parts of 8 significant bits each.

    The bits are masked rather than cast to bfloat16 and back: XLA may drop
    such a pair of casts.

    Args:
        x: float32, any shape.

    Returns:
        Tuple of three float32 tensors, largest first, that sum to `x` exactly
        (for magnitudes above 1e-33, below which bits leave the float range).
    """
    parts = []
    for _ in range(_NUM_PARTS):
        bits = tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), _UPPER_HALF)
        parts.append(tf.bitcast(bits, tf.float32))
        x = x - parts[-1]
    return tuple(parts)


def _only_cpus():
    if _is_on_cpu.get():
        return True
    devices = tf.config.list_logical_devices()
    return all("CPU" in device.device_type for device in devices)
