"""What the official pipeline does to one image, as a baseline to measure.

One image at a time, on the host: the whole image becomes float32, and each view
is cropped, resized, mirrored and coloured by itself. Blur is left out: the
official code, too, leaves it to the device.
"""

import tensorflow as tf

from simclr_tf.augment import color, geometry, views

NUM_DRAWS = 11  # order, factors, and three coins


def two_views(image, position, *, image_size, strength):
    """Both views of one image.

    Args:
        image: uint8 [H, W, 3].
        position: int64 [], the seed.
        image_size: side S, px.
        strength: of the colour jitter.

    Returns:
        float32 [2, S, S, 3].

    Source: the order of work of the official tf2/data_util.py.
    """
    image = tf.image.convert_image_dtype(image, tf.float32)
    made = [
        one_view(
            image,
            tf.stack([position, number]),
            image_size=image_size,
            strength=strength,
        )
        for number in (0, 1)
    ]
    return tf.stack(made)


def one_view(image, seed, *, image_size, strength):
    """One view, float32 [S, S, 3], of a float32 image."""
    draws = tf.unstack(tf.random.stateless_uniform([NUM_DRAWS], seed))
    *draws, flip, jitter, gray = draws
    image = _crop(image, seed, image_size)
    image = tf.cond(
        flip < views.FLIP_PROB, lambda: image[:, ::-1], lambda: image
    )
    image = tf.cond(
        jitter < views.JITTER_PROB,
        lambda: _jitter(image, draws, strength),
        lambda: image,
    )
    image = tf.cond(
        gray < views.GRAY_PROB,
        lambda: tf.tile(tf.image.rgb_to_grayscale(image), [1, 1, 3]),
        lambda: image,
    )
    image = tf.clip_by_value(image, 0.0, 1.0)
    return tf.ensure_shape(image, [image_size, image_size, 3])


def _crop(image, seed, image_size):
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        seed,
        min_object_covered=geometry.MIN_COVERED,
        aspect_ratio_range=(geometry.MIN_ASPECT, geometry.MAX_ASPECT),
        area_range=views.CROP_AREA,
        max_attempts=geometry.NUM_ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    cut = tf.slice(image, begin, size)
    return tf.image.resize(cut, [image_size, image_size], method="bicubic")


def _jitter(image, draws, strength):
    reach = views.JITTER_RANGE * strength
    around_one = [1.0 + reach * (2.0 * draw - 1.0) for draw in draws[:3]]
    brightness, contrast, saturation = [
        tf.maximum(factor, 0.0) for factor in around_one
    ]
    hue = views.HUE_RANGE * strength * (2.0 * draws[3] - 1.0)
    operations = {
        color.BRIGHTNESS: lambda image: image * brightness,
        color.CONTRAST: lambda image: tf.image.adjust_contrast(image, contrast),
        color.SATURATION: lambda image: tf.image.adjust_saturation(
            image, saturation
        ),
        color.HUE: lambda image: tf.image.adjust_hue(image, hue),
    }
    order = tf.argsort(tf.stack(draws[4:8]))
    for place in range(len(operations)):
        image = _one_of(operations, order[place], image)
        image = tf.clip_by_value(image, 0.0, 1.0)
    return image


def _one_of(operations, number, image):
    def branch(operation):
        return lambda: operation(image)

    branches = {key: branch(value) for key, value in operations.items()}
    return tf.switch_case(number, branches)
