"""Where a view looks: crop boxes, and crop, bicubic resize and flip.

Legend: `B` images, `K` attempts, `H W` input size, `S` output side.
A box is (y, x, height, width) in whole pixels.
"""

import tensorflow as tf

from simclr_tf import matmul
from simclr_tf.augment import draws as draws_lib

# Official tf2/data_util.py: arguments of the distorted bounding box sampler.
MIN_ASPECT, MAX_ASPECT = 3 / 4, 4 / 3  # width / height
MIN_COVERED = 0.1  # of the whole image, TensorFlow's default object
NUM_ATTEMPTS = 100
NUM_BOX_DRAWS = 2 * NUM_ATTEMPTS + 2
CENTER_CROP_FRACTION = 0.875  # official tf2/data_util.py, CROP_PROPORTION
# Keys' cubic with a = -1/2, tabulated by TensorFlow at steps of 1/1024.
_KEYS_TABLE_STEPS = 1024.0


def sample_boxes(draws, *, height, width, area=(0.08, 1.0)):
    """Turns uniform numbers into random crop boxes.

    Follows TensorFlow's `sample_distorted_bounding_box` as SimCLR calls it:
    up to 100 attempts at an aspect ratio and a height, of which the first
    valid one counts; the whole image where none is. All attempts are made at
    once. The position does not decide validity, so it is drawn only once.
    The area is not uniform: its median is about a third of the image.

    Args:
        draws: float32 [B, NUM_BOX_DRAWS] in [0, 1).
        height: integers [B] or [], image heights, px.
        width: the same for widths, px.
        area: least and greatest area as a fraction of the image.

    Returns:
        int32 [B, 4], boxes inside the image.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    shape = tf.shape(draws)[:1]
    height, width = (
        tf.broadcast_to(tf.cast(side, tf.int32), shape)[:, tf.newaxis]
        for side in (height, width)
    )  # [B, 1]
    aspect = draws_lib.between(
        draws[:, :NUM_ATTEMPTS], MIN_ASPECT, MAX_ASPECT
    )  # [B, K]
    heights, widths, valid = _attempt_sizes(
        draws[:, NUM_ATTEMPTS:-2], aspect, (height, width), area
    )
    first = tf.argmax(valid, axis=1, output_type=tf.int32)[:, tf.newaxis]
    any_valid = tf.reduce_any(valid, axis=1, keepdims=True)
    crop_height = tf.gather(heights, first, batch_dims=1)  # [B, 1]
    crop_width = tf.gather(widths, first, batch_dims=1)
    crop_height = tf.where(any_valid, crop_height, height)
    crop_width = tf.where(any_valid, crop_width, width)
    y = _sample_offset(draws[:, -2:-1], height - crop_height)
    x = _sample_offset(draws[:, -1:], width - crop_width)
    return tf.concat([y, x, crop_height, crop_width], axis=1)


def _attempt_sizes(draws, aspect, size, area):
    """Heights and widths [B, K] of all attempts, and which are valid."""
    height, width = size
    pixels = tf.cast(height * width, tf.float32)
    min_area, max_area = area[0] * pixels, area[1] * pixels
    lowest = _round(tf.sqrt(min_area / aspect))
    highest = _round(tf.sqrt(max_area / aspect))
    too_wide = _round(tf.cast(highest, tf.float32) * aspect) > width
    highest = tf.where(too_wide, _tallest(width, aspect), highest)
    highest = tf.minimum(highest, height)
    lowest = tf.minimum(lowest, highest)
    heights = lowest + draws_lib.integers_below(draws, highest - lowest + 1)
    # One pixel up, then one down, before a rounding error costs the attempt.
    heights += tf.cast(_areas(heights, aspect) < min_area, tf.int32)
    heights -= tf.cast(_areas(heights, aspect) > max_area, tf.int32)
    widths = _round(tf.cast(heights, tf.float32) * aspect)
    areas = _areas(heights, aspect)
    in_range = (areas >= min_area) & (areas <= max_area)
    covers = areas / pixels >= MIN_COVERED
    inside = (heights <= height) & (widths <= width)
    positive = (heights > 0) & (widths > 0)
    return heights, widths, in_range & covers & inside & positive


def _tallest(width, aspect):
    """The tallest box of an aspect ratio that is no wider than the image."""
    tallest = tf.floor((tf.cast(width, tf.float32) + 0.5) / aspect)
    too_wide = _round(tallest * aspect) > width
    return tf.cast(tallest, tf.int32) - tf.cast(too_wide, tf.int32)


def _areas(heights, aspect):
    heights = tf.cast(heights, tf.float32)
    return heights * tf.round(heights * aspect)


def _sample_offset(draws, room):
    # As the original: the last offset is never drawn, unless it is 0.
    return draws_lib.integers_below(draws, tf.maximum(room, 1))


def _round(values):
    """To the nearest int32, halves to even."""
    return tf.cast(tf.round(values), tf.int32)


def crop_resize_flip(images, boxes, flip, *, image_size):
    """Cuts a box from each image, resizes it to a square, perhaps mirrors it.

    Bicubic (Keys, a = -1/2) with half-pixel centres and no antialiasing; taps
    outside the box are dropped and the others rescaled, as `tf.image.resize`
    on the cut box does. Written as two products with per-image matrices,
    since the resize kernel neither takes boxes nor compiles by XLA; in full
    float32 also where a device rounds factors of products (see `matmul`).

    Args:
        images: uint8, or float32 in [0, 1], [B, H, W, 3].
        boxes: int32 [B, 4], or [1, 4] for one box for all.
        flip: bool [B] (or [1]), mirror left to right.
        image_size: output side S, px.

    Returns:
        float32 [B, S, S, 3]; overshoots [0, 1], as the official crops do.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    images = as_float(images)
    size = tf.shape(images)[1:3]
    rows = _resize_weights(boxes[:, 0], boxes[:, 2], size[0], image_size)
    columns = _resize_weights(boxes[:, 1], boxes[:, 3], size[1], image_size)
    columns = tf.where(
        flip[:, tf.newaxis, tf.newaxis], columns[:, ::-1], columns
    )
    planes = tf.transpose(images, [0, 3, 1, 2])  # [B, 3, H, W]
    rows = rows[:, tf.newaxis]  # [B, 1, S, H]
    columns = columns[:, tf.newaxis]  # [B, 1, S, W]
    planes = matmul.full_precision_matmul(rows, planes)  # [B, 3, S, W]
    planes = matmul.full_precision_matmul(
        planes, columns, transpose_b=True
    )  # [B, 3, S, S]
    return tf.transpose(planes, [0, 2, 3, 1])


def _resize_weights(start, length, extent, image_size):
    """Matrices [B, S, extent] that resize [start, start + length) to S."""
    start = tf.cast(start, tf.float32)[:, tf.newaxis]  # [B, 1]
    length = tf.cast(length, tf.float32)[:, tf.newaxis]
    target = tf.range(image_size, dtype=tf.float32)[tf.newaxis]  # [1, S]
    location = (target + 0.5) * (length / image_size) - 0.5  # [B, S]
    base = tf.floor(location)
    # TensorFlow looks the kernel up in a table; so the fraction is rounded.
    fraction = tf.round((location - base) * _KEYS_TABLE_STEPS)
    location = base + fraction / _KEYS_TABLE_STEPS
    pixel = tf.range(tf.cast(extent, tf.float32), dtype=tf.float32) - start
    pixel = pixel[:, tf.newaxis]  # [B, 1, extent], counted from the box
    inside = (pixel >= 0) & (pixel < length[:, tf.newaxis])
    weights = _keys_cubic(pixel - location[:, :, tf.newaxis])
    weights = tf.where(inside, weights, 0.0)
    return weights / tf.reduce_sum(weights, axis=2, keepdims=True)


def _keys_cubic(offset):
    """Keys' interpolation kernel with a = -1/2, zero from 2 on."""
    distance = tf.abs(offset)
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((2.5 - 0.5 * distance) * distance - 4.0) * distance + 2.0
    far = tf.where(distance < 2.0, far, 0.0)
    return tf.where(distance < 1.0, near, far)


def crop_one(image, box, *, image_size):
    """The same as `crop_resize_flip` for one image, not flipped, on the host.

    Cuts first and uses the sparse resize kernel: much faster on a photograph
    than the dense products, but does not compile by XLA.

    Args:
        image: uint8, or float32 in [0, 1], [H, W, 3].
        box: int32 [4].
        image_size: output side S, px.

    Returns:
        float32 [S, S, 3]; overshoots [0, 1].
    """
    return _resize(as_float(_cut(image, box)), image_size)


def crop_one_uint8(image, box, *, image_size):
    """`crop_one` clipped to [0, 1] and rounded to the nearest 1/255.

    A quarter of the bytes. The taps are the same, so only clipping and
    rounding set it apart; the official crops keep their overshoot until
    colours are changed.

    Args:
        image: uint8 [H, W, 3].
        box: int32 [4].
        image_size: output side S, px.

    Returns:
        uint8 [S, S, 3].
    """
    levels = _resize(_cut(image, box), image_size)  # float32, 1.0 a level
    return tf.cast(tf.clip_by_value(levels, 0.0, 255.0) + 0.5, tf.uint8)


def _cut(image, box):
    return tf.slice(image, [box[0], box[1], 0], [box[2], box[3], 3])


def _resize(image, image_size):
    size = [image_size, image_size]
    image = tf.image.resize(image, size, method="bicubic")
    return tf.ensure_shape(image, [*size, 3])


def flip_where(images, flip):
    """Mirrors images [B, H, W, 3] left to right where `flip`, bool [B]."""
    flip = flip[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.where(flip, images[:, :, ::-1], images)


def center_crop(images, *, image_size, fraction=CENTER_CROP_FRACTION):
    """Cuts the central square and resizes it bicubically.

    Args:
        images: uint8, or float32 in [0, 1], [B, H, W, 3].
        image_size: output side S, px.
        fraction: side of the square by the shorter side of the image.

    Returns:
        float32 [B, S, S, 3]; overshoots [0, 1].

    Source: official tf2/data_util.py.
    """
    box = central_box(tf.shape(images)[1:3], fraction=fraction)[tf.newaxis]
    return crop_resize_flip(
        images, box, tf.constant([False]), image_size=image_size
    )


def central_box(size, *, fraction=CENTER_CROP_FRACTION):
    """The box of the central square.

    Args:
        size: int32 [2], height and width of the image, px.
        fraction: side of the square by the shorter side of the image.

    Returns:
        int32 [4].
    """
    shorter = tf.cast(tf.reduce_min(size), tf.float32)
    side = _round(fraction * shorter)
    corner = (size - side + 1) // 2
    return tf.stack([corner[0], corner[1], side, side])


def whole_image(images, *, image_size):
    """Resizes whole images bicubically; float32 [B, S, S, 3]."""
    size = tf.shape(images)[1:3]
    box = tf.stack([0, 0, size[0], size[1]])[tf.newaxis]
    return crop_resize_flip(
        images, box, tf.constant([False]), image_size=image_size
    )


def as_float(images):
    """float32 images in [0, 1] from uint8; float32 passes unchanged."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) * (1.0 / 255.0)
    return tf.cast(images, tf.float32)
