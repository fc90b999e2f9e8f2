"""Colour operations with a factor per image, and their random order.

Legend: `B` images, `P` pixels of an image. Inside, images are planes
[B, 3, P], which keeps every reduction and product vectorised.

Brightness, contrast and saturation are all of the form scale * x + offset
(saturation keeps the largest channel and scales the distances to it), so one
slot serves any of the three. Only hue needs more; it occurs once per image,
so the order is: up to three slots, hue, up to three slots, with the identity
in slots that an image does not use.
"""

import itertools

import tensorflow as tf

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
ORDERS = tuple(itertools.permutations(range(4)))
JITTER_IMPLS = ("v1", "v2")
_UNUSED = -1
# ITU-R BT.601 luma as in `tf.image.rgb_to_grayscale`.
_LUMA = (0.2989, 0.5870, 0.1140)


def jitter(images, factors, *, order, active, jitter_impl="v2"):
    """The four colour operations in a given order, clipped after each.

    Args:
        images: float32 [B, H, W, 3]; may overshoot [0, 1].
        factors: four float32 [B]: brightness (multiplied in v2, added in v1),
            contrast, saturation, hue (turns, added).
        order: int32 [B, 4], a permutation per image: the operation
            (`BRIGHTNESS` to `HUE`) at each place.
        active: bool [B]; other images pass untouched and unclipped.
        jitter_impl: "v2" or "v1".

    Returns:
        float32 [B, H, W, 3]; in [0, 1] where active.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    planes = _to_planes(images)
    order = tf.where(active[:, tf.newaxis], order, _UNUSED)
    is_hue = tf.cast(order == HUE, tf.int32)
    hue_place = tf.reduce_sum(is_hue * tf.range(4), axis=1)  # [B]
    multiply = jitter_impl == "v2"
    for place in range(3):
        op = tf.where(place < hue_place, order[:, place], _UNUSED)
        planes = _slot(planes, op, factors, multiply=multiply)
    turned = _clip(_turn_hue(planes, factors[HUE]))
    planes = tf.where(active[:, tf.newaxis, tf.newaxis], turned, planes)
    for place in range(1, 4):
        op = tf.where(place > hue_place, order[:, place], _UNUSED)
        planes = _slot(planes, op, factors, multiply=multiply)
    return _from_planes(planes, images)


def _slot(planes, op, factors, *, multiply):
    """Applies brightness, contrast or saturation, whichever `op` says."""
    op = op[:, tf.newaxis, tf.newaxis]  # [B, 1, 1]
    brightness, contrast, saturation = (
        factor[:, tf.newaxis, tf.newaxis] for factor in factors[:HUE]
    )
    ones = tf.ones_like(contrast)
    scale = tf.where(op == CONTRAST, contrast, ones)
    offset = tf.zeros_like(contrast)
    if multiply:
        scale = tf.where(op == BRIGHTNESS, brightness, scale)
    else:
        offset = tf.where(op == BRIGHTNESS, brightness, offset)
    mean = tf.reduce_mean(planes, axis=2, keepdims=True)  # [B, 3, 1]
    offset = tf.where(op == CONTRAST, (1.0 - contrast) * mean, offset)
    largest, ratio = _saturation_ratio(planes, saturation)  # [B, 1, P]
    scale = tf.where(op == SATURATION, ratio, scale)  # [B, 1, P]
    offset = tf.where(op == SATURATION, (1.0 - ratio) * largest, offset)
    adjusted = _clip(scale * planes + offset)
    return tf.where(op == _UNUSED, planes, adjusted)


def _saturation_ratio(planes, factor):
    """The largest channel, and what to scale the distances to it by."""
    largest = tf.reduce_max(planes, axis=1, keepdims=True)
    spread = largest - tf.reduce_min(planes, axis=1, keepdims=True)
    # Saturation is spread / largest and may grow to 1, but no further.
    limit = tf.math.divide_no_nan(largest, spread)
    ratio = tf.where(spread > 0.0, tf.minimum(factor, limit), 1.0)
    return largest, tf.where(largest > 0.0, ratio, 0.0)


def _turn_hue(planes, turns):
    """Turns the hue; the largest and smallest channel keep their values."""
    red, green, blue = tf.unstack(planes, axis=1)  # each [B, P]
    largest = tf.reduce_max(planes, axis=1)
    smallest = tf.reduce_min(planes, axis=1)
    spread = largest - smallest
    scale = tf.math.divide_no_nan(tf.ones_like(spread), spread)
    sextant = tf.where(
        red == largest,
        (green - blue) * scale,
        tf.where(
            green == largest,
            2.0 + (blue - red) * scale,
            4.0 + (red - green) * scale,
        ),
    )
    sextant = sextant + 6.0 * turns[:, tf.newaxis]
    sextant = sextant - 6.0 * tf.floor(sextant / 6.0)  # in [0, 6]
    ramps = tf.stack(
        [
            tf.abs(sextant - 3.0) - 1.0,
            2.0 - tf.abs(sextant - 2.0),
            2.0 - tf.abs(sextant - 4.0),
        ],
        axis=1,
    )  # [B, 3, P]
    return smallest[:, tf.newaxis] + spread[:, tf.newaxis] * _clip(ramps)


def grayscale(images, active):
    """Replaces colour by luma where `active`.

    Args:
        images: float32 [B, H, W, 3].
        active: bool [B].

    Returns:
        float32 [B, H, W, 3], three equal channels where active.

    Source: official tf2/data_util.py; `tf.image.rgb_to_grayscale`.
    """
    red, green, blue = (images[..., i : i + 1] for i in range(3))
    luma = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    return tf.where(active[:, tf.newaxis, tf.newaxis, tf.newaxis], luma, images)


def _clip(values):
    return tf.clip_by_value(values, 0.0, 1.0)


def _to_planes(images):
    shape = tf.shape(images)
    planes = tf.transpose(images, [0, 3, 1, 2])
    return tf.reshape(planes, [shape[0], 3, shape[1] * shape[2]])


def _from_planes(planes, images):
    shape = tf.shape(images)
    planes = tf.reshape(planes, [shape[0], 3, shape[1], shape[2]])
    return tf.ensure_shape(tf.transpose(planes, [0, 2, 3, 1]), images.shape)
