"""Cutout against recorded outputs and a loop over the pixels."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.augment import cutout

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/addons.npz")


def random_images(num, height=9, width=12):
    rng = np.random.default_rng(0)
    return rng.random((num, height, width, 3), np.float32)


def oracle(images, centers, size, fill):
    images = images.copy()
    for image, (y, x) in zip(images, centers, strict=True):
        for row in range(y - size // 2, y - size // 2 + size):
            for column in range(x - size // 2, x - size // 2 + size):
                if 0 <= row < len(image) and 0 <= column < len(image[0]):
                    image[row, column] = fill
    return images


def test_cutout_matches_addons():
    images = GOLDENS["gaussian_filter2d/images"]
    result = cutout.cutout(images, [[5, 9]], size=6)
    recorded = GOLDENS["cutout/output_size6_offset_5_9"]
    np.testing.assert_array_equal(result, recorded)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("size", [0, 1, 4, 5, 40])
def test_every_image_has_its_own_centre(size, jit):
    images = random_images(5)
    centers = np.array([[4, 5], [0, 0], [8, 11], [3, 11], [-1, 6]])
    cut = tf.function(
        lambda images, centers: cutout.cutout(
            images, centers, size=size, fill=0.5
        ),
        jit_compile=jit,
    )
    expected = oracle(images, centers, size, 0.5)
    np.testing.assert_array_equal(cut(images, centers), expected)


def test_an_image_does_not_depend_on_its_batch():
    images = random_images(3)
    centers = tf.constant([[1, 2], [3, 4], [5, 6]])
    whole = cutout.cutout(images, centers, size=4)
    alone = cutout.cutout(images[1:2], centers[1:2], size=4)
    np.testing.assert_array_equal(whole[1:2], alone)


def test_a_negative_size_is_refused():
    with pytest.raises(errors.UserError, match=r"size must be .*; got -2"):
        cutout.cutout(random_images(1), [[0, 0]], size=-2)
