"""Views: what is drawn, what it depends on, and that applying is exact."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from simclr_tf import errors
from simclr_tf.augment import color, geometry, views

# Matrix products of another batch size may round differently.
BATCH_TOLERANCE = 1e-6
# XLA fuses and reorders; hue divides by small spreads.
JIT_TOLERANCE = 1e-4
# Chance of a false alarm; seeds are fixed, so a pass stays a pass.
MIN_P_VALUE = 1e-3
NUM_DRAWN = 20_000
SIZE = {"height": 32, "width": 32}


def random_images(num, size=32, dtype="uint8"):
    images = np.random.RandomState(0).randint(0, 256, [num, size, size, 3])
    if dtype == "uint8":
        return tf.constant(images, tf.uint8)
    return tf.constant(images / 255, tf.float32)


def positions(num, start=0):
    return tf.range(start, start + num, dtype=tf.int64)


def take(view, rows):
    return views.ViewSpec(*(field[rows] for field in view))


def assert_equal(first, second):
    for name, one, other in zip(first._fields, first, second, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


@pytest.fixture(scope="module")
def drawn():
    return views.sample_views(0, positions(NUM_DRAWN), **SIZE)


def test_spec_has_the_documented_types(drawn):
    for view in drawn:
        assert view.box.shape == [NUM_DRAWN, 4]
        assert view.order.shape == [NUM_DRAWN, 4]
        assert view.box.dtype == view.order.dtype == tf.int32
        for name in ("flip", "jitter", "gray", "blur"):
            assert getattr(view, name).dtype == tf.bool
        for name in ("brightness", "contrast", "saturation", "hue", "sigma"):
            assert getattr(view, name).dtype == tf.float32


@pytest.mark.parametrize(
    ("name", "probability"),
    [("flip", 0.5), ("jitter", 0.8), ("gray", 0.2), ("blur", 0.5)],
)
def test_coins_have_the_official_probabilities(drawn, name, probability):
    for view in drawn:
        heads = int(tf.reduce_sum(tf.cast(getattr(view, name), tf.int32)))
        test = stats.binomtest(heads, NUM_DRAWN, probability)
        assert test.pvalue > MIN_P_VALUE


@pytest.mark.parametrize(
    ("impl", "strength", "name", "low", "high"),
    [
        ("v2", 1.0, "brightness", 0.2, 1.8),
        ("v1", 1.0, "brightness", -0.8, 0.8),
        ("v2", 0.5, "brightness", 0.6, 1.4),
        ("v1", 0.5, "brightness", -0.4, 0.4),
        ("v2", 1.5, "brightness", 0.0, 2.2),
        ("v2", 1.0, "contrast", 0.2, 1.8),
        ("v2", 0.5, "saturation", 0.6, 1.4),
        ("v2", 1.0, "hue", -0.2, 0.2),
        ("v1", 0.5, "hue", -0.1, 0.1),
        ("v2", 1.0, "sigma", 0.1, 2.0),
    ],
)
def test_factors_have_the_official_ranges(impl, strength, name, low, high):
    view, _ = views.sample_views(
        3, positions(2000), **SIZE, strength=strength, jitter_impl=impl
    )
    values = getattr(view, name).numpy()
    assert values.min() >= low - 1e-6
    assert values.max() <= high + 1e-6
    test = stats.kstest(values, "uniform", args=(low, high - low))
    assert test.pvalue > MIN_P_VALUE


def test_all_orders_are_equally_likely(drawn):
    codes = drawn[0].order.numpy() @ [64, 16, 4, 1]
    values, counts = np.unique(codes, return_counts=True)
    assert len(values) == len(color.ORDERS)
    assert stats.chisquare(counts).pvalue > MIN_P_VALUE


def test_choices_are_independent(drawn):
    first, second = drawn
    columns = [
        np.float64(field.numpy())
        for view in (first, second)
        for name, field in zip(view._fields, view, strict=True)
        if name not in ("box", "order")
    ]
    columns += [np.float64(view.box[:, i]) for view in drawn for i in (0, 2)]
    correlation = np.corrcoef(columns) - np.eye(len(columns))
    # A box's offset and height are tied by the image's border.
    ties = [(-4, -3), (-2, -1)]
    for i, j in ties:
        correlation[i, j] = correlation[j, i] = 0
    assert np.abs(correlation).max() < 5 / np.sqrt(NUM_DRAWN)  # 5 sigma


def test_views_depend_on_seed_and_position_only():
    whole = views.sample_views(5, positions(64), **SIZE)
    shuffled = tf.constant([63, 8, 8, 31], tf.int64)
    part = views.sample_views(5, shuffled, **SIZE)
    for view, other in zip(whole, part, strict=True):
        rows = tf.nest.map_structure(lambda f: tf.gather(f, shuffled), view)
        assert_equal(rows, other)


def test_views_differ_between_views_seeds_and_positions():
    first, second = views.sample_views(5, positions(64), **SIZE)
    other_seed, _ = views.sample_views(6, positions(64), **SIZE)
    far, _ = views.sample_views(5, positions(64, start=2**32), **SIZE)
    for other in (second, other_seed, far):
        assert np.mean(first.hue.numpy() == other.hue.numpy()) < 0.1
    assert len(np.unique(first.hue)) == 64


def test_images_may_differ_in_size():
    heights = tf.constant([32, 200])
    widths = tf.constant([48, 31])
    both = views.sample_views(1, positions(2), height=heights, width=widths)
    alone = views.sample_views(1, positions(1, start=1), height=200, width=31)
    for view, other in zip(both, alone, strict=True):
        assert_equal(take(view, slice(1, 2)), other)


def test_image_size_does_not_touch_the_other_choices():
    small, _ = views.sample_views(1, positions(8), height=32, width=32)
    large, _ = views.sample_views(1, positions(8), height=500, width=375)
    assert_equal(small._replace(box=large.box), large)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_views_of_a_batch_are_views_of_its_images(dtype):
    images = random_images(12, size=40, dtype=dtype)
    view, _ = views.sample_views(2, positions(12), height=40, width=40)
    together = views.apply_views(images, view, image_size=32)
    for i in range(12):
        rows = slice(i, i + 1)
        alone = views.apply_views(images[rows], take(view, rows), image_size=32)
        np.testing.assert_allclose(together[rows], alone, atol=BATCH_TOLERANCE)


@pytest.mark.parametrize("impl", color.JITTER_IMPLS)
def test_views_lie_in_the_unit_range(impl):
    images = random_images(64)
    for view in views.sample_views(1, positions(64), **SIZE, jitter_impl=impl):
        result = views.apply_views(
            images, view, image_size=32, jitter_impl=impl
        ).numpy()
        assert result.shape == (64, 32, 32, 3)
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1


def test_the_two_halves_make_the_whole():
    images = random_images(16)
    view, _ = views.sample_views(1, positions(16), **SIZE)
    crops = views.apply_geometry(images, view, image_size=24)
    assert crops.numpy().min() < 0  # not clipped before the colours
    halves = views.apply_appearance(crops, view)
    whole = views.apply_views(images, view, image_size=24)
    np.testing.assert_array_equal(halves, whole)


@pytest.mark.parametrize("jit", [False, True])
def test_compiled_equals_eager(jit):
    images = random_images(64)

    def make(images, positions):
        view, _ = views.sample_views(9, positions, **SIZE, strength=0.5)
        return views.apply_views(images, view, image_size=32)

    np.testing.assert_allclose(
        make(images, positions(64)),
        tf.function(make, jit_compile=jit)(images, positions(64)),
        atol=JIT_TOLERANCE,
    )


def test_compiled_sampling_equals_eager(drawn):
    compiled = tf.function(
        lambda p: views.sample_views(0, p, **SIZE), jit_compile=True
    )
    for view, other in zip(drawn, compiled(positions(NUM_DRAWN)), strict=True):
        for name in ("box", "flip", "jitter", "order", "gray", "blur"):
            np.testing.assert_array_equal(
                getattr(view, name), getattr(other, name), err_msg=name
            )


def test_strength_zero_only_crops_flips_and_blurs():
    images = random_images(32)
    view, _ = views.sample_views(1, positions(32), **SIZE, strength=0.0)
    assert not view.jitter.numpy().any()
    assert not view.gray.numpy().any()
    result = views.apply_views(images, view, image_size=32, use_blur=False)
    crops = views.apply_geometry(images, view, image_size=32)
    np.testing.assert_array_equal(result, np.clip(crops, 0, 1))


def test_blur_changes_the_blurred_images_only():
    images = random_images(32)
    view, _ = views.sample_views(1, positions(32), **SIZE)
    sharp = views.apply_views(images, view, image_size=32, use_blur=False)
    soft = views.apply_views(images, view, image_size=32)
    same = np.all(sharp.numpy() == soft.numpy(), axis=(1, 2, 3))
    # The narrowest kernels leave a float32 image as it is.
    wide = view.blur.numpy() & (view.sigma.numpy() > 0.3)
    assert not same[wide].any()
    assert same[~view.blur.numpy()].all()


def test_fine_tuning_crops_and_flips_only():
    images = random_images(16)
    view = views.sample_crop_flip(4, positions(16), **SIZE)
    pretraining, _ = views.sample_views(4, positions(16), **SIZE)
    np.testing.assert_array_equal(view.box, pretraining.box)
    for coin in (view.jitter, view.gray, view.blur):
        assert not coin.numpy().any()
    crops = views.apply_geometry(images, view, image_size=32)
    result = views.apply_views(images, view, image_size=32)
    np.testing.assert_array_equal(result, np.clip(crops, 0, 1))


def test_a_view_can_be_replayed_from_plain_numbers():
    images = random_images(4)
    view, _ = views.sample_views(1, positions(4), **SIZE)
    again = views.ViewSpec(*(tf.constant(f.numpy()) for f in view))
    one, other = (
        views.apply_views(images, v, image_size=32) for v in (view, again)
    )
    np.testing.assert_array_equal(one, other)


def test_small_eval_images_pass_unchanged():
    images = random_images(3)
    result = views.eval_images(images, image_size=32)
    np.testing.assert_array_equal(result, geometry.as_float(images))


@pytest.mark.parametrize(
    ("size", "image_size", "margin"), [(40, 32, 0), (80, 64, 5)]
)
def test_other_eval_images_are_resized_and_large_ones_cut(
    size, image_size, margin
):
    images = random_images(3, size=size)
    result = views.eval_images(images, image_size=image_size)
    inner = slice(margin, size - margin)
    cut = geometry.as_float(images)[:, inner, inner]
    expected = tf.image.resize(cut, [image_size] * 2, method="bicubic")
    np.testing.assert_allclose(
        result, np.clip(expected, 0, 1), atol=JIT_TOLERANCE
    )


def test_eval_images_of_dynamic_size():
    spec = tf.TensorSpec([None, None, None, 3], tf.uint8)
    for image_size in (24, 48):
        evaluate = functools.partial(views.eval_images, image_size=image_size)
        dynamic = tf.function(evaluate, input_signature=[spec])
        images = random_images(2, size=60)
        expected = evaluate(images)
        np.testing.assert_allclose(
            dynamic(images), expected, atol=BATCH_TOLERANCE
        )


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"strength": -0.5}, "color_jitter_strength .* got -0.5"),
        ({"jitter_impl": "v3"}, "jitter_impl .* v1, v2; got 'v3'"),
    ],
)
def test_mistakes_are_named(recipe, message):
    with pytest.raises(errors.UserError, match=message):
        views.sample_views(0, positions(2), **SIZE, **recipe)
