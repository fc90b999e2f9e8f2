"""Cutout: a square of each image is painted over.

Legend: `B` images, `C` channels.
"""

import tensorflow as tf

from simclr_tf import errors


def cutout(images, centers, *, size, fill=0.0):
    """Paints a square of side `size` around each image's centre.

    It covers rows y - size // 2 to y - size // 2 + size - 1, columns alike;
    what falls outside the image is cut off.

    Args:
        images: float32 [B, H, W, C].
        centers: integers [B, 2] (or [1, 2]), row y and column x, px.
        size: side of the square, px, at least 0. A Python int.
        fill: the value painted, a number.

    Returns:
        float32 [B, H, W, C].

    Raises:
        errors.UserError: if `size` < 0.

    Source: DeVries and Taylor 2017 (arXiv:1708.04552); Chen et al. 2020a,
    figures 4 and 5; TensorFlow Addons 0.23, image/cutout_ops.py, which takes
    even sizes only.
    """
    if size < 0:
        raise errors.UserError(f"size must be at least 0; got {size!r}")
    images = tf.convert_to_tensor(images)
    first = tf.cast(centers, tf.int32) - size // 2  # [B, 2]
    rows, columns = (
        _is_covered(first[:, axis], size, tf.shape(images)[1 + axis])
        for axis in (0, 1)
    )
    covered = rows[:, :, tf.newaxis] & columns[:, tf.newaxis]  # [B, H, W]
    fill = tf.cast(fill, images.dtype)
    return tf.where(covered[..., tf.newaxis], fill, images)


def _is_covered(first, size, length):
    """Bool [B, length], which pixels of an axis the square covers."""
    offset = tf.range(length) - first[:, tf.newaxis]  # [B, length]
    return (offset >= 0) & (offset < size)
