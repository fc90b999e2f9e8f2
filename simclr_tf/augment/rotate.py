"""Rotation by any angle.

Legend: `B` images, `C` channels.
"""

import tensorflow as tf


def rotate(images, angles):
    """Turns each image counterclockwise around its middle.

    Bilinear; the outside of the image counts as zero. A gather and not the
    projective-transform op, which does not compile by XLA.

    Args:
        images: float32 [B, H, W, C].
        angles: float32 [B] (or [1] for one angle for all), radians.

    Returns:
        float32 [B, H, W, C], of the size that came in.

    Source: Chen et al. 2020a, figures 4 and 5; TensorFlow Addons 0.23,
    image/transform_ops.py (`rotate`, interpolation "bilinear", fill mode
    "constant").
    """
    images = tf.convert_to_tensor(images)
    shape = tf.shape(images)
    angles = tf.broadcast_to(angles, shape[:1])
    y, x = _sources(angles, height=shape[1], width=shape[2])  # [B, H, W]
    top, left = tf.floor(y), tf.floor(x)
    below, right = y - top, x - left  # fractions, the weights
    rotated = _read(images, top, left, (1 - below) * (1 - right))
    rotated += _read(images, top, left + 1, (1 - below) * right)
    rotated += _read(images, top + 1, left, below * (1 - right))
    rotated += _read(images, top + 1, left + 1, below * right)
    return tf.ensure_shape(rotated, images.shape)


def _sources(angles, *, height, width):
    """Where each output pixel comes from: y and x, float32 [B, H, W]."""
    height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    y = tf.range(height)[:, tf.newaxis] - middle_y  # [H, 1]
    x = tf.range(width) - middle_x  # [W]
    angles = angles[:, tf.newaxis, tf.newaxis]
    cosine, sine = tf.cos(angles), tf.sin(angles)  # [B, 1, 1]
    return sine * x + cosine * y + middle_y, cosine * x - sine * y + middle_x


def _read(images, y, x, weight):
    """The pixels at whole places y, x [B, H, W], weighted, zero outside."""
    shape = tf.shape(images)
    row, column = tf.cast(y, tf.int32), tf.cast(x, tf.int32)
    last_row, last_column = shape[1] - 1, shape[2] - 1
    inside = (row >= 0) & (row <= last_row)
    inside &= (column >= 0) & (column <= last_column)
    row = tf.clip_by_value(row, 0, last_row)
    column = tf.clip_by_value(column, 0, last_column)
    flat = tf.reshape(images, [shape[0], -1, shape[3]])  # [B, H W, C]
    pixels = tf.gather(flat, row * shape[2] + column, batch_dims=1)
    return pixels * tf.where(inside, weight, 0.0)[..., tf.newaxis]
