"""Arguments as the public functions take them; anything else is refused."""

import reprlib

import numpy as np
import tensorflow as tf

ROUNDING = 1e-3
"""How far float images may leave [0, 1]: conversions round."""
RGB_CHANNELS, GRAY_CHANNELS = 3, 1


def check_images(images, *, batch_shape):
    """Refuses images that would give wrong views without a word.

    The range of float images is looked at where their values are known, so
    not inside of a graph.

    Args:
        images: what a caller passed for uint8 or float32 [B, H, W, C] or
            [H, W, C], C 1 or 3.
        batch_shape: `tf.TensorShape` of what is applied to them: [B], or []
            for one image.

    Returns:
        The images as a tensor [B, H, W, 3], or [H, W, 3].

    Raises:
        ValueError: for another dtype, rank or number of channels, another
            number of images, or floats outside of [0, 1].
    """
    images = tf.convert_to_tensor(images)
    if images.dtype not in (tf.uint8, tf.float32):
        raise ValueError(
            "images must be uint8, or float32 in [0, 1]; got "
            f"{images.dtype.name}"
        )
    _check_shape(images.shape, batch_shape)
    is_known = tf.executing_eagerly() and images.dtype == tf.float32
    if is_known and tf.size(images) > 0:
        _check_range(images)
    images = tf.ensure_shape(images, [*batch_shape, None, None, None])
    return _as_rgb(images)


def check_positions(positions):
    """Positions as a tensor of integers, [B] or [].

    Args:
        positions: what a caller passed for them.

    Raises:
        ValueError: for another dtype or rank.
    """
    positions = _integers("positions", positions)
    if positions.shape.rank not in (0, 1):
        raise ValueError(
            "positions must be [B], or [] for one image; got shape "
            f"{positions.shape}"
        )
    return positions


def check_seed(seed):
    """A seed as it is where it is a Python int, else as a tensor [].

    Args:
        seed: what a caller passed for it.

    Raises:
        ValueError: for another dtype or rank.
    """
    if isinstance(seed, int) and not isinstance(seed, bool):
        return seed  # of any size
    seed = _integers("seed", seed)
    if seed.shape.rank not in (None, 0):
        raise ValueError(f"seed must be one integer; got shape {seed.shape}")
    return seed


def check_side(name, side, *, batch_shape):
    """Heights or widths of images as int32, [] or [B].

    Args:
        name: of the argument.
        side: what a caller passed for it, px.
        batch_shape: `tf.TensorShape` [B] of the images.

    Raises:
        ValueError: for another dtype or shape, or a known value below 1.
    """
    side = _integers(name, side)
    if side.shape.rank != 0 and not side.shape.is_compatible_with(batch_shape):
        raise ValueError(
            f"{name} must be one integer, or one per image, {batch_shape}; "
            f"got shape {side.shape}"
        )
    known = tf.get_static_value(side)
    if known is not None and np.any(known < 1):
        raise ValueError(f"{name} must be at least 1; got {known.min()}")
    return tf.cast(side, tf.int32)


def _integers(name, given):
    """A tensor of the integers' own type: of lists and Python ints, int64."""
    values = given if tf.is_tensor(given) else np.asarray(given)
    # None and lists of several lengths are objects, which TensorFlow has not.
    if values.dtype == np.object_ or not tf.as_dtype(values.dtype).is_integer:
        found = reprlib.repr(given)
        if hasattr(given, "dtype"):
            found = tf.as_dtype(given.dtype).name
        raise ValueError(f"{name} must be integers; got {found}")
    return tf.convert_to_tensor(values)


def _check_shape(shape, batch_shape):
    is_one = batch_shape.rank == 0
    axes = tf.TensorShape([*batch_shape, None, None, None])
    if shape.rank not in (None, axes.rank):
        wanted = "[H, W, C], as view is of one" if is_one else "[B, H, W, C]"
        raise ValueError(f"images must be {wanted}; got shape {shape}")
    if not shape.is_compatible_with(axes):
        raise ValueError(
            "images must be as many as view describes, "
            f"{batch_shape[0]}; got {shape[0]}"
        )
    channels = shape[-1] if shape.rank else None
    if channels not in (None, GRAY_CHANNELS, RGB_CHANNELS):
        raise ValueError(
            f"images must have {RGB_CHANNELS} channels (RGB) or "
            f"{GRAY_CHANNELS} (gray); got shape {shape}"
        )


def _as_rgb(images):
    """Repeats the one channel of gray images."""
    if images.shape[-1] == RGB_CHANNELS:
        return images
    shape = tf.concat([tf.shape(images)[:-1], [RGB_CHANNELS]], axis=0)
    rgb = tf.broadcast_to(images, shape)
    return tf.ensure_shape(rgb, [*images.shape[:-1], RGB_CHANNELS])


def _check_range(images):
    low, high = (float(f(images)) for f in (tf.reduce_min, tf.reduce_max))
    if not (low >= -ROUNDING and high <= 1 + ROUNDING):
        raise ValueError(
            f"float images must be in [0, 1]; got values from {low:.4g} to "
            f"{high:.4g}: divide by 255, or pass uint8"
        )
