"""Images as the public functions take them; anything else is refused."""

import tensorflow as tf

ROUNDING = 1e-3
"""How far float images may leave [0, 1]: conversions round."""


def check_images(images):
    """Refuses images that would give wrong views without a word.

    The range of float images is looked at where their values are known, so
    not inside of a graph.

    Args:
        images: what a caller passed for uint8 or float32 [B, H, W, 3].

    Returns:
        The images as a tensor.

    Raises:
        ValueError: for another dtype, rank or number of channels, or floats
            outside of [0, 1].
    """
    images = tf.convert_to_tensor(images)
    if images.dtype not in (tf.uint8, tf.float32):
        raise ValueError(
            "images must be uint8, or float32 in [0, 1]; got "
            f"{images.dtype.name}"
        )
    rank, channels = images.shape.rank, images.shape[-1:]
    if rank not in (None, 4) or (rank == 4 and channels[0] not in (None, 3)):
        raise ValueError(
            f"images must be [B, H, W, 3]; got shape {images.shape}"
        )
    is_known = tf.executing_eagerly() and images.dtype == tf.float32
    if is_known and tf.size(images) > 0:
        _check_range(images)
    return images


def _check_range(images):
    low, high = (float(f(images)) for f in (tf.reduce_min, tf.reduce_max))
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ValueError(
            f"float images must be in [0, 1]; got values from {low:.4g} to "
            f"{high:.4g}: divide by 255, or pass uint8"
        )
