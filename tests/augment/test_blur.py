"""Blur against recorded outputs and a numpy convolution."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.augment import blur

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/augment.npz")
# Sums of products in another order than the convolution's.
TOLERANCE = 1e-5


def blur_oracle(image, sigma, radius):
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-(offsets**2) / (2.0 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = np.apply_along_axis(
            np.convolve, axis, image, kernel, mode="same"
        )
    return image


def random_images(num, size=26):
    rng = np.random.RandomState(0)
    return rng.rand(num, size, size, 3).astype("float32")


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("case", range(4))
def test_blur_matches_recorded(case, jit):
    image, parameters, output = (
        GOLDENS[f"blur/{case}/{key}"]
        for key in ("image", "kernel_size_sigma", "output")
    )
    radius = int(parameters[0] / 2)
    compiled = tf.function(
        lambda images, sigma: blur.gaussian_blur(images, sigma, radius=radius),
        jit_compile=jit,
    )
    result = compiled(image[np.newaxis], parameters[1:])[0]
    np.testing.assert_allclose(result, output, atol=TOLERANCE)


def test_it_is_the_filter_of_tensorflow_addons():
    path = pathlib.Path(__file__).parents[1] / "goldens/addons.npz"
    with np.load(path) as goldens:
        images = goldens["gaussian_filter2d/images"]
        expected = goldens["gaussian_filter2d/output_7x7_sigma_1.5_constant"]
    found = blur.gaussian_filter(images, kernel_size=7, sigma=1.5)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_the_filter_has_one_width_for_all(kernel_size, jit):
    images = random_images(3)
    compiled = tf.function(
        lambda images: blur.gaussian_filter(
            images, kernel_size=kernel_size, sigma=2
        ),
        jit_compile=jit,
    )
    for image, result in zip(images, compiled(images), strict=True):
        expected = blur_oracle(image, 2.0, kernel_size // 2)
        np.testing.assert_allclose(result, expected, atol=TOLERANCE)


@pytest.mark.parametrize(
    ("kernel_size", "sigma", "message"),
    [
        (4, 1.0, "kernel_size must be odd and positive; got 4"),
        (-1, 1.0, "kernel_size must be odd and positive; got -1"),
        (3, 0.0, r"sigma must be > 0; got 0\.0"),
    ],
)
def test_the_filter_refuses_what_has_no_middle(kernel_size, sigma, message):
    with pytest.raises(errors.UserError, match=message):
        blur.gaussian_filter(
            random_images(1), kernel_size=kernel_size, sigma=sigma
        )


@pytest.mark.parametrize("radius", [1, 3, 5])
def test_every_image_has_its_own_sigma(radius):
    images = random_images(4)
    sigma = np.float32([0.1, 0.5, 1.3, 2.0])
    results = blur.gaussian_blur(images, sigma, radius=radius)
    for i in range(4):
        expected = blur_oracle(images[i], sigma[i], radius)
        np.testing.assert_allclose(results[i], expected, atol=TOLERANCE)


def test_an_impulse_shows_the_kernel():
    images = np.zeros([1, 11, 11, 3], "float32")
    images[0, 5, 5] = 1
    result = blur.gaussian_blur(images, tf.constant([1.0]), radius=2)[0, ..., 0]
    kernel = np.exp(-0.5 * np.arange(-2, 3) ** 2)
    kernel /= kernel.sum()
    expected = np.zeros([11, 11])
    expected[3:8, 3:8] = np.outer(kernel, kernel)
    np.testing.assert_allclose(result, expected, atol=TOLERANCE)


def test_the_outside_counts_as_zero():
    images = tf.ones([1, 12, 12, 3])
    result = blur.gaussian_blur(images, tf.constant([1.0]), radius=2).numpy()
    assert result[0, 6, 6, 0] == pytest.approx(1, abs=TOLERANCE)
    assert result[0, 0, 0, 0] < 0.6


def test_radius_zero_is_the_identity():
    images = random_images(2)
    result = blur.gaussian_blur(images, tf.constant([1.0, 2.0]), radius=0)
    np.testing.assert_array_equal(result, images)


def test_inactive_images_pass_unchanged():
    images = random_images(2)
    sigma = tf.constant([1.5, 1.5])
    result = blur.apply_blur(
        images, sigma, tf.constant([True, False]), radius=2
    )
    blurred = blur.gaussian_blur(images, sigma, radius=2)
    np.testing.assert_array_equal(result[0], blurred[0])
    np.testing.assert_array_equal(result[1], images[1])


@pytest.mark.parametrize(
    ("image_size", "radius"),
    [(8, 0), (19, 0), (20, 1), (32, 1), (64, 3), (96, 4), (224, 11)],
)
def test_kernel_radius_follows_the_image(image_size, radius):
    assert blur.kernel_radius_px(image_size) == radius
