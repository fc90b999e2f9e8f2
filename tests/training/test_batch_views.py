"""Fixed-size and variable-size images get the same views."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.training import batch_views

RECIPE = {
    "strength": 0.5,
    "jitter_impl": "v2",
    "crop_area": (0.08, 1.0),
    "blur_prob": 0.5,
}
SIDE = 32
ATOL = 1e-4  # bicubic resize as two products against tf.image, then colour
ROUNDING = 1e-6  # the exact crop's own float32, halfway between two levels
POSITIONS = tf.range(5, 11, dtype=tf.int64)


def images():
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (6, 4, 4, 3)).astype(np.float32)
    smooth = tf.image.resize(coarse, [SIDE, SIDE])
    return tf.cast(smooth, tf.uint8)


def device_views(jit=False, recipe=RECIPE, rows=slice(None)):
    make = batch_views.make_two_views(
        seed=3, image_size=SIDE, recipe=recipe, jit=jit
    )
    batch = {"images": images()[rows], "positions": POSITIONS[rows]}
    return make(batch).numpy()


def host_crops(float_views):
    """uint8 or float32 [6, 2, S, S, 3], made by the host."""
    crops = batch_views.make_host_crops(
        seed=3, image_size=SIDE, recipe=RECIPE, float_views=float_views
    )
    boxes = crops.sample(POSITIONS, tf.fill([6, 2], SIDE))
    dataset = tf.data.Dataset.from_tensor_slices((images(), boxes))
    return next(iter(dataset.map(crops.apply).batch(6)))


def host_views(float_views, recipe=RECIPE):
    make = batch_views.make_two_views(
        seed=3, image_size=SIDE, recipe=recipe, jit=False
    )
    batch = {"crops": host_crops(float_views), "positions": POSITIONS}
    return make(batch).numpy()


def test_both_routes_give_the_same_views():
    np.testing.assert_allclose(device_views(), host_views(True), atol=ATOL)


def test_eight_bit_crops_are_the_exact_ones_clipped_and_rounded():
    exact, found = host_crops(True), host_crops(False)
    assert (exact.dtype, found.dtype) == (tf.float32, tf.uint8)
    error = found.numpy() / 255 - np.clip(exact, 0, 1)
    assert np.abs(error).max() <= 0.5 / 255 + ROUNDING


def test_eight_bit_crops_give_almost_the_same_views():
    plain = RECIPE | {"strength": 0.0, "blur_prob": 0.0}
    exact, found = host_views(True, plain), host_views(False, plain)
    assert np.abs(exact - found).max() <= 0.5 / 255 + ROUNDING


def test_boxes_do_not_depend_on_the_others_of_their_block():
    crops = batch_views.make_host_crops(seed=3, image_size=8, recipe=RECIPE)
    sizes = tf.constant([[40, 30], [9, 200], [50, 50], [7, 7], [1, 3], [60, 5]])
    together = crops.sample(POSITIONS, sizes)
    assert together.shape == (6, 2, 4)
    for i in range(6):
        alone = crops.sample(POSITIONS[i : i + 1], sizes[i : i + 1])
        np.testing.assert_array_equal(alone[0], together[i])


def test_compiled_equals_plain():
    np.testing.assert_allclose(
        device_views(jit=True), device_views(), atol=ATOL
    )


def test_rows_are_view_one_above_view_two():
    first, second = views.sample_views(
        3, POSITIONS, height=SIDE, width=SIDE, **RECIPE
    )
    both = [
        views.apply_views(images(), view, image_size=SIDE)
        for view in (first, second)
    ]
    np.testing.assert_allclose(device_views(), np.concatenate(both), atol=ATOL)


def test_a_view_does_not_depend_on_its_batch():
    whole = device_views()
    part = device_views(rows=slice(2, 4))
    np.testing.assert_allclose(part[:2], whole[2:4], atol=1e-6)
    np.testing.assert_allclose(part[2:], whole[8:10], atol=1e-6)


@pytest.mark.parametrize("blur_prob", [0.0, 1.0])
def test_range_and_shape(blur_prob):
    made = device_views(recipe=RECIPE | {"blur_prob": blur_prob})
    assert made.shape == (12, SIDE, SIDE, 3)
    assert made.min() >= 0.0
    assert made.max() <= 1.0
    assert np.abs(made[:6] - made[6:]).mean() > 0.01
