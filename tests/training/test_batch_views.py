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


def host_views():
    crop = batch_views.make_host_crops(seed=3, image_size=SIDE, recipe=RECIPE)
    dataset = tf.data.Dataset.from_tensor_slices((images(), POSITIONS))
    crops = next(iter(dataset.map(crop).batch(6)))
    make = batch_views.make_two_views(
        seed=3, image_size=SIDE, recipe=RECIPE, jit=False
    )
    return make({"crops": crops, "positions": POSITIONS}).numpy()


def test_both_routes_give_the_same_views():
    np.testing.assert_allclose(device_views(), host_views(), atol=ATOL)


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
