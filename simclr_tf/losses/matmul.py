"""Matrix products in full float32 on devices that round their inputs.

On GPUs since Ampere a float32 matmul multiplies in TF32 (11 significant
bits), on TPUs in bfloat16 (8 bits). At temperature 0.1 that moves a logit by
up to 0.01 and 0.04. The switch TensorFlow has for it is global, and there is
none for TPUs; so the operands are split instead.
"""

import tensorflow as tf

_UPPER_HALF = -0x10000  # the bits bfloat16 keeps: sign, exponent, 7 of 23
_NUM_PARTS = 3  # 3 x 8 significant bits hold the 24 of a float32


def full_precision_matmul(a, b):
    """Product of `a` and the transpose of `b`, and its gradient, in float32.

    Plain where only CPUs are visible; elsewhere through `split_matmul`, nine
    small products for one (little beside an encoder's cost).

    Args:
        a: float32 [n, P].
        b: float32 [m, P].

    Returns:
        float32 [n, m].
    """
    if _only_cpus():
        return tf.matmul(a, b, transpose_b=True)
    return split_matmul(a, b)


@tf.custom_gradient
def split_matmul(a, b):
    """As `full_precision_matmul`, exact in every product on any device.

    Each operand is a sum of three bfloat16 numbers, so all products are exact
    in bfloat16, TF32 and float32 units alike; only the sums round, in float32.

    Args:
        a: float32 [n, P], finite.
        b: float32 [m, P], finite.

    Returns:
        float32 [n, m], differentiable any number of times.
    """

    def gradient(upstream):
        to_a = split_matmul(upstream, tf.transpose(b))  # [n, P]
        to_b = split_matmul(tf.transpose(upstream), tf.transpose(a))  # [m, P]
        return to_a, to_b

    product = 0.0
    for x in reversed(bfloat16_parts(a)):  # smallest first, to round least
        for y in reversed(bfloat16_parts(b)):
            product += tf.matmul(x, y, transpose_b=True)  # [n, m]
    return product, gradient


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
    devices = tf.config.list_logical_devices()
    return all("CPU" in device.device_type for device in devices)
