"""The evaluation recipe of one image, as the host makes it."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import geometry, views

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/augment.npz")
# Sums of products in another order than those of the batched recipe.
TOLERANCE = 1e-5


def random_image(height, width):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("image_size", [8, 32, 48])
@pytest.mark.parametrize("size", [(40, 61), (61, 40), (20, 20), (1, 3)])
def test_it_is_the_batched_recipe(size, image_size):
    image = random_image(*size)
    found = views.eval_image(image, image_size=image_size)
    (expected,) = views.eval_images(image[np.newaxis], image_size=image_size)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


def test_the_whole_square_may_be_kept():
    framed = random_image(40, 60)
    framed[0], framed[-1] = 255, 255  # what 87.5% would cut off
    whole = views.eval_image(framed, image_size=48, central_fraction=1.0)
    expected = geometry.whole_image(framed[np.newaxis, :, 10:50], image_size=48)
    np.testing.assert_allclose(
        whole, np.clip(expected[0], 0, 1), atol=TOLERANCE
    )
    cut = views.eval_image(framed, image_size=48)
    assert np.abs(cut - whole).max() > 0.1
    batch = framed[np.newaxis]
    batched = views.eval_images(batch, image_size=48, central_fraction=1.0)
    np.testing.assert_allclose(batched[0], whole, atol=TOLERANCE)


@pytest.mark.parametrize("case", range(4))
def test_its_crop_matches_the_recorded_one(case):
    image, size, output = (
        GOLDENS[f"center_crop/{case}/{key}"]
        for key in ("image", "size", "output")
    )
    box = geometry.central_box(tf.shape(image)[:2])
    found = geometry.crop_one(image, box, image_size=int(size))
    np.testing.assert_allclose(found, output, atol=TOLERANCE)


def test_small_images_of_the_right_size_pass_unchanged():
    image = random_image(32, 32)
    found = views.eval_image(image, image_size=32)
    np.testing.assert_array_equal(found, geometry.as_float(image))


def test_sizes_may_be_unknown_while_tracing():
    spec = tf.TensorSpec([None, None, 3], tf.uint8)
    traced = tf.function(
        lambda image: views.eval_image(image, image_size=48),
        input_signature=[spec],
    )
    assert traced.get_concrete_function().output_shapes == [48, 48, 3]
    image = random_image(70, 50)
    np.testing.assert_array_equal(
        traced(image), views.eval_image(image, image_size=48)
    )
