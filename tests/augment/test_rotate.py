"""Rotation against recorded outputs and a loop over the pixels."""

import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import rotate

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/addons.npz")
TOLERANCE = 1e-5  # float32 places: a pixel's width times 2^-20
COMPILED_TOLERANCE = 1e-5  # XLA has its own sine, and fuses products


def random_images(num, height=9, width=12):
    rng = np.random.default_rng(0)
    return rng.random((num, height, width, 3), np.float32)


def pixel(image, y, x):
    height, width, _ = image.shape
    return image[y, x] if 0 <= y < height and 0 <= x < width else 0.0


def oracle(image, angle):
    """Reads the image at each output pixel turned back by the angle."""
    height, width, _ = image.shape
    middle = complex((width - 1) / 2, (height - 1) / 2)
    result = np.zeros(image.shape)
    for row, column in np.ndindex(height, width):
        # Rows count downwards, so multiplying by e^(i angle) turns clockwise.
        turn = complex(math.cos(angle), math.sin(angle))
        source = (complex(column, row) - middle) * turn + middle
        top, left = math.floor(source.imag), math.floor(source.real)
        for y, x in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = (1 - abs(source.imag - top - y)) * (
                1 - abs(source.real - left - x)
            )
            result[row, column] += weight * pixel(image, top + y, left + x)
    return result


@pytest.mark.parametrize("jit", [False, True])
def test_rotation_matches_addons(jit):
    images = GOLDENS["gaussian_filter2d/images"]
    turn = tf.function(rotate.rotate, jit_compile=jit)
    result = turn(images, tf.constant([0.5, -0.3]))
    recorded = GOLDENS["rotate/output_0.5_-0.3_bilinear"]
    np.testing.assert_allclose(result, recorded, atol=TOLERANCE)


def test_every_image_has_its_own_angle():
    images = random_images(5)
    angles = np.float32([0.2, -1.1, 2.9, 7.0, -0.01])
    result = rotate.rotate(images, angles)
    for index, angle in enumerate(angles):
        np.testing.assert_allclose(
            result[index], oracle(images[index], angle), atol=TOLERANCE
        )


def test_no_turn_is_the_identity():
    images = random_images(2)
    result = rotate.rotate(images, tf.zeros([2]))
    np.testing.assert_array_equal(result, images)


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
def test_quarter_turns_of_a_square(size, quarters):
    images = random_images(2, size, size)
    angles = tf.constant([quarters * math.pi / 2])
    expected = np.rot90(images, quarters, axes=(1, 2))
    result = rotate.rotate(images, angles)
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


def test_what_comes_from_outside_is_zero():
    result = rotate.rotate(tf.ones([1, 9, 9, 1]), [math.pi / 4]).numpy()
    assert result[0, 0, 0, 0] == 0
    assert result[0, 4, 4, 0] == pytest.approx(1, abs=TOLERANCE)


def test_compiled_equals_eager():
    images, angles = random_images(3), tf.constant([0.3, 1.7, -2.0])
    compiled = tf.function(rotate.rotate, jit_compile=True)(images, angles)
    np.testing.assert_allclose(
        compiled, rotate.rotate(images, angles), atol=COMPILED_TOLERANCE
    )


def test_an_image_does_not_depend_on_its_batch():
    images, angles = random_images(3), tf.constant([0.3, 1.7, -2.0])
    whole = rotate.rotate(images, angles)
    alone = rotate.rotate(images[1:2], angles[1:2])
    np.testing.assert_array_equal(whole[1:2], alone)
