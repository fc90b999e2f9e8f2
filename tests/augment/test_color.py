"""Colour operations against `tf.image`, one image at a time."""

import itertools
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import color

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/augment.npz")
# Single operations round differently by a few float32 steps.
TOLERANCE = 1e-5
# Hue divides by the spread of the channels: rounding left by the operations
# before it grows where the spread is small.
SEQUENCE_TOLERANCE = 1e-4
# Factors that change nothing.
NEUTRAL_V2 = (1.0, 1.0, 1.0, 0.0)
NAMES = ("brightness", "contrast", "saturation", "hue")


def jitter(images, factors, orders, jitter_impl="v2", active=None):
    num = len(images)
    if active is None:
        active = [True] * num
    factors = np.broadcast_to(np.float32(factors), [num, 4])
    return color.jitter(
        tf.constant(images, tf.float32),
        tuple(tf.constant(column) for column in factors.T),
        order=tf.constant(orders, tf.int32),
        active=tf.constant(active),
        jitter_impl=jitter_impl,
    )


def naive_jitter(image, factors, order, jitter_impl):
    brightness, contrast, saturation, hue = (float(f) for f in factors)
    for op in order:
        if op == 0 and jitter_impl == "v2":
            image = image * brightness
        elif op == 0:
            image = tf.image.adjust_brightness(image, brightness)
        elif op == 1:
            image = tf.image.adjust_contrast(image, contrast)
        elif op == 2:
            image = tf.image.adjust_saturation(image, saturation)
        else:
            image = tf.image.adjust_hue(image, hue)
        image = tf.clip_by_value(image, 0.0, 1.0)
    return image


def overshooting_images(num, seed=0):
    values = np.random.RandomState(seed).rand(num, 9, 8, 3)
    return (values * 1.31 - 0.13).astype("float32")


def golden_cases():
    for key in GOLDENS:
        parts = key.split("/")
        if parts[0] == "color" and len(parts) == 3:
            name, _, impl = parts[1].partition("_")
            yield key, NAMES.index(name), float(parts[2]), impl or "v2"


@pytest.mark.parametrize("case", list(golden_cases()), ids=lambda case: case[0])
def test_single_operations_match_recorded(case):
    key, op, factor, impl = case
    factors = list(NEUTRAL_V2)
    factors[0] = 1.0 if impl == "v2" else 0.0
    factors[op] = factor
    image = GOLDENS["color/image"]
    order = [op, *(i for i in range(4) if i != op)]
    result = jitter(image[np.newaxis], factors, [order], impl)[0]
    np.testing.assert_allclose(result, GOLDENS[key], atol=TOLERANCE)


def test_golden_cases_are_all_found():
    assert len(list(golden_cases())) == 10


def test_orders_are_all_permutations():
    assert sorted(color.ORDERS) == sorted(itertools.permutations(range(4)))
    assert color.ORDERS[0] == (
        color.BRIGHTNESS,
        color.CONTRAST,
        color.SATURATION,
        color.HUE,
    )


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("impl", ["v1", "v2"])
def test_every_order_equals_operations_in_sequence(impl, jit):
    images = overshooting_images(48)
    rng = np.random.RandomState(1)
    low = [-0.8 if impl == "v1" else 0.2, 0.2, 0.2, -0.2]
    high = [0.8 if impl == "v1" else 1.8, 1.8, 1.8, 0.2]
    factors = rng.uniform(low, high, [48, 4]).astype("float32")
    orders = list(itertools.permutations(range(4))) * 2
    compiled = tf.function(
        lambda: jitter(images, factors, orders, impl), jit_compile=jit
    )
    results = compiled().numpy()
    for i, order in enumerate(orders):
        expected = naive_jitter(images[i], factors[i], order, impl)
        np.testing.assert_allclose(
            results[i], expected, atol=SEQUENCE_TOLERANCE, err_msg=str(order)
        )


@pytest.mark.parametrize(
    "pixel",
    [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (1, 0, 0), (0, 1, 1), (0, 0, 1)],
)
def test_degenerate_colours(pixel):
    images = np.tile(np.float32(pixel), [24, 4, 4, 1])
    factors = (1.3, 0.6, 1.5, 0.15)
    orders = list(itertools.permutations(range(4)))
    results = jitter(images, factors, orders)
    for i, order in enumerate(orders):
        expected = naive_jitter(images[i], factors, order, "v2")
        np.testing.assert_allclose(results[i], expected, atol=TOLERANCE)


def test_negative_pixels_follow_tf_image():
    images = np.full([24, 2, 2, 3], -0.1, "float32")
    images[:, 0, 0] = [-0.3, -0.2, 0.4]
    orders = list(itertools.permutations(range(4)))
    factors = (1.2, 1.1, 0.4, -0.1)
    results = jitter(images, factors, orders)
    for i, order in enumerate(orders):
        expected = naive_jitter(images[i], factors, order, "v2")
        np.testing.assert_allclose(results[i], expected, atol=TOLERANCE)


def test_neutral_factors_change_nothing_but_the_range():
    images = np.clip(overshooting_images(24), 0, 1)
    results = jitter(images, NEUTRAL_V2, color.ORDERS)
    np.testing.assert_allclose(results, images, atol=TOLERANCE)
    # Outside the range, brightness and contrast come first for a plain clip.
    images = overshooting_images(24)
    results = jitter(images[:12], NEUTRAL_V2, color.ORDERS[:12])
    np.testing.assert_allclose(
        results, np.clip(images[:12], 0, 1), atol=TOLERANCE
    )


def test_inactive_images_pass_unclipped():
    images = overshooting_images(24)
    active = np.arange(24) % 2 == 0
    results = jitter(
        images, (1.5, 0.3, 0.4, 0.1), color.ORDERS, active=active
    ).numpy()
    np.testing.assert_array_equal(results[1::2], images[1::2])
    assert results[::2].min() >= 0
    assert results[::2].max() <= 1


def test_images_do_not_influence_each_other():
    images = overshooting_images(24)
    factors = (1.5, 0.3, 1.4, 0.1)
    results = jitter(images, factors, color.ORDERS)
    for i in (0, 7, 23):
        alone = jitter(images[i : i + 1], factors, color.ORDERS[i : i + 1])
        np.testing.assert_allclose(results[i], alone[0], atol=TOLERANCE)


def test_grayscale_matches_recorded():
    image = GOLDENS["color/image"]
    images = np.stack([image, image])
    result = color.grayscale(images, tf.constant([True, False]))
    np.testing.assert_allclose(
        result[0], GOLDENS["color/grayscale"], atol=TOLERANCE
    )
    np.testing.assert_array_equal(result[1], image)


def test_sizes_may_be_dynamic():
    spec = tf.TensorSpec([None, None, None, 3], tf.float32)
    images = overshooting_images(24)
    factors = tuple(tf.fill([24], f) for f in (1.2, 0.7, 1.3, 0.1))
    dynamic = tf.function(
        lambda batch: color.jitter(
            batch,
            factors,
            order=tf.constant(color.ORDERS),
            active=tf.ones([24], tf.bool),
        ),
        input_signature=[spec],
    )
    expected = jitter(images, (1.2, 0.7, 1.3, 0.1), color.ORDERS)
    np.testing.assert_allclose(dynamic(images), expected, atol=TOLERANCE)
