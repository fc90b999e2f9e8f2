"""Crop boxes and resizing against TensorFlow's ops and recorded outputs."""

import pathlib

import numpy as np
import pytest
import rounded_products
import tensorflow as tf
from scipy import stats

from simclr_tf import matmul
from simclr_tf.augment import draws, geometry

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/augment.npz")
# Sums of products in another order than the resize kernel's.
IMAGE_TOLERANCE = 1e-5
# Chance of a false alarm; seeds are fixed, so a pass stays a pass.
MIN_P_VALUE = 1e-3
# The exact crop's own float32, at a point halfway between two levels.
ROUNDING_TOLERANCE = 1e-6
NUM_BOXES = 2500
# Of 255: what float32 sums in another order differ by, with room.
LEVEL_TOLERANCE = 1e-2
LOST_LEVELS = 0.1  # at least, by plain products of rounded factors
# Five standard errors of a decile, 5 * 0.5 / sqrt(2500) in quantile; both
# quantities span less than 1.
DECILE_TOLERANCE = 0.05


def sample(num, height, width, seed=0, **kwargs):
    keys = draws.example_keys(seed, tf.range(num, dtype=tf.int64))
    numbers = draws.uniform(keys, geometry.NUM_BOX_DRAWS)
    return geometry.sample_boxes(
        numbers, height=height, width=width, **kwargs
    ).numpy()


def official_boxes(num, height, width):
    @tf.function
    def one(seed):
        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            [height, width, 3],
            tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
            tf.stack([seed, 7]),
            min_object_covered=0.1,
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(0.08, 1.0),
            max_attempts=100,
            use_image_if_no_bounding_boxes=True,
        )
        return tf.concat([begin[:2], size[:2]], axis=0)

    return tf.map_fn(one, tf.range(num)).numpy()


def statistics(boxes, height, width):
    y, x, h, w = boxes.T.astype(float)
    return {
        "area": h * w / (height * width),
        "aspect": w / h,
        "center_y": y + h / 2,
        "center_x": x + w / 2,
        "height": h,
    }


@pytest.mark.parametrize("size", [(32, 32), (40, 60), (375, 130), (60, 400)])
def test_boxes_have_the_official_distribution(size):
    ours = statistics(sample(NUM_BOXES, *size), *size)
    official = statistics(official_boxes(NUM_BOXES, *size), *size)
    for name in ours:
        test = stats.ks_2samp(ours[name], official[name])
        assert test.pvalue > MIN_P_VALUE, name


def test_boxes_match_recorded_deciles():
    height, width = GOLDENS["crop_sampler/image_h_w"]
    ours = statistics(sample(NUM_BOXES, height, width), height, width)
    quantiles = np.linspace(0, 1, 11)[1:-1]
    for name, key in (
        ("area", "crop_sampler/area_fraction_deciles"),
        ("aspect", "crop_sampler/aspect_w_over_h_deciles"),
    ):
        deciles = np.quantile(ours[name], quantiles)
        recorded = GOLDENS[key][1:-1]
        np.testing.assert_allclose(deciles, recorded, atol=DECILE_TOLERANCE)


@pytest.mark.parametrize(
    "size", [(32, 32), (1, 1), (1, 40), (3, 2), (500, 333), (20, 400)]
)
def test_boxes_lie_inside_and_keep_the_rules(size):
    height, width = size
    boxes = sample(500, height, width)
    y, x, h, w = boxes.T
    assert (y >= 0).all()
    assert (y + h <= height).all()
    assert (x >= 0).all()
    assert (x + w <= width).all()
    whole = (h == height) & (w == width)
    covered = h * w / (height * width)
    assert (whole | (covered >= 0.1 - 1e-6)).all()
    # The width is rounded, by at most half a pixel.
    assert (whole | (np.abs(w / h - 1) < 1 / 3 + 0.5 / h)).all()


def test_whole_image_where_no_box_is_valid():
    # At 20:1 no box of aspect 4/3 covers a tenth.
    boxes = sample(50, 20, 400)
    np.testing.assert_array_equal(boxes, [[0, 0, 20, 400]] * 50)
    np.testing.assert_array_equal(official_boxes(5, 20, 400), boxes[:5])


def test_area_bounds_are_kept():
    boxes = sample(500, 64, 64, area=(0.5, 0.6))
    area = boxes[:, 2] * boxes[:, 3] / 64**2
    assert area.min() >= 0.5
    assert area.max() <= 0.6
    full = sample(50, 64, 64, area=(1.0, 1.0))
    assert (full[:, 2] * full[:, 3] == 64**2).all()


def test_sizes_may_differ_between_images():
    heights = tf.constant([32, 100, 17])
    widths = tf.constant([50, 20, 170])
    together = sample(3, heights, widths)
    for i in range(3):
        alone = sample(3, int(heights[i]), int(widths[i]))
        np.testing.assert_array_equal(together[i], alone[i])


def test_boxes_compile():
    numbers = draws.uniform(
        draws.example_keys(0, tf.range(2000, dtype=tf.int64)),
        geometry.NUM_BOX_DRAWS,
    )
    compiled = tf.function(geometry.sample_boxes, jit_compile=True)
    np.testing.assert_array_equal(
        compiled(numbers, height=48, width=64),
        geometry.sample_boxes(numbers, height=48, width=64),
    )


def golden_crops():
    crops = [f"crop_resize/{i}" for i in range(4)]
    return [
        tuple(GOLDENS[f"{c}/{k}"] for k in ("image", "box_y_x_h_w", "output"))
        for c in crops
    ]


@pytest.mark.parametrize("jit", [False, True])
def test_crops_match_recorded(jit):
    images, boxes, outputs = map(np.stack, zip(*golden_crops(), strict=True))
    crop = tf.function(geometry.crop_resize_flip, jit_compile=jit)
    result = crop(
        tf.constant(images),
        tf.constant(boxes, tf.int32),
        tf.zeros([4], tf.bool),
        image_size=16,
    )
    np.testing.assert_allclose(result, outputs, atol=IMAGE_TOLERANCE)


@pytest.mark.parametrize("image_size", [7, 32, 224])
def test_crops_match_the_resize_op(image_size):
    size = (53, 71)
    images = np.random.RandomState(0).rand(8, *size, 3).astype("float32")
    boxes = sample(8, *size)
    boxes[0] = [52, 70, 1, 1]
    boxes[1] = [3, 5, 2, 60]
    flip = np.arange(8) % 2 == 1
    result = geometry.crop_resize_flip(
        images, tf.constant(boxes), tf.constant(flip), image_size=image_size
    )
    for i, (y, x, h, w) in enumerate(boxes):
        cut = images[i, y : y + h, x : x + w]
        expected = tf.image.resize(cut, [image_size] * 2, "bicubic").numpy()
        if flip[i]:
            expected = expected[:, ::-1]
        np.testing.assert_allclose(result[i], expected, atol=IMAGE_TOLERANCE)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_crop_one_equals_the_batched_crop(dtype):
    images = np.random.RandomState(1).rand(6, 40, 30, 3)
    images = (images * (255 if dtype == "uint8" else 1)).astype(dtype)
    boxes = sample(6, 40, 30)
    flip = np.arange(6) % 2 == 0
    batched = geometry.crop_resize_flip(
        tf.constant(images), boxes, tf.constant(flip), image_size=24
    )
    for i in range(6):
        one = geometry.crop_one(tf.constant(images[i]), boxes[i], image_size=24)
        (one,) = geometry.flip_where(one[tf.newaxis], flip[i : i + 1])
        np.testing.assert_allclose(one, batched[i], atol=IMAGE_TOLERANCE)


@pytest.mark.parametrize("image_size", [7, 32, 224])
def test_eight_bit_crops_are_the_exact_ones_clipped_and_rounded(image_size):
    size = (60, 47)
    # Of black and white, so that much overshoots.
    image = 255 * np.random.RandomState(3).randint(0, 2, (*size, 3), np.uint8)
    extremes = []
    for box in sample(6, *size):
        exact = geometry.crop_one(image, box, image_size=image_size).numpy()
        found = geometry.crop_one_uint8(image, box, image_size=image_size)
        assert found.dtype == tf.uint8
        error = np.abs(found.numpy() / 255 - np.clip(exact, 0, 1))
        assert error.max() <= 0.5 / 255 + ROUNDING_TOLERANCE
        extremes += [exact.min(), exact.max()]
    assert min(extremes) < -0.01
    assert max(extremes) > 1.01


@pytest.mark.parametrize("crop", [geometry.crop_one, geometry.crop_one_uint8])
def test_one_crop_has_a_static_shape_whatever_comes_in(crop):
    traced = tf.function(
        lambda image, box: crop(image, box, image_size=24),
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.uint8),
            tf.TensorSpec([4], tf.int32),
        ],
    )
    shape = traced.get_concrete_function().output_shapes
    assert shape == [24, 24, 3]


def test_whole_box_at_its_own_size_is_the_identity():
    images = np.random.RandomState(2).rand(2, 32, 32, 3).astype("float32")
    result = geometry.whole_image(images, image_size=32)
    np.testing.assert_allclose(result, images, atol=IMAGE_TOLERANCE)


def test_a_constant_image_stays_constant():
    images = tf.fill([4, 30, 40, 3], 0.25)
    result = geometry.crop_resize_flip(
        images, sample(4, 30, 40), tf.ones([4], tf.bool), image_size=32
    )
    np.testing.assert_allclose(result, 0.25, atol=IMAGE_TOLERANCE)


def test_crops_overshoot_as_the_official_ones():
    image, box, output = golden_crops()[3]
    assert output.min() < 0
    result = geometry.crop_resize_flip(
        image[np.newaxis], box[np.newaxis], tf.constant([False]), image_size=16
    )
    assert result.numpy().min() < 0


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("case", range(4))
def test_center_crop_matches_recorded(case, jit):
    image, size, output = (
        GOLDENS[f"center_crop/{case}/{key}"]
        for key in ("image", "size", "output")
    )
    crop = tf.function(
        lambda images: geometry.center_crop(images, image_size=int(size)),
        jit_compile=jit,
    )
    result = crop(image[np.newaxis])[0]
    np.testing.assert_allclose(result, output, atol=IMAGE_TOLERANCE)


def test_as_float():
    pixels = tf.constant([0, 51, 255], tf.uint8)
    expected = tf.image.convert_image_dtype(pixels, tf.float32)
    np.testing.assert_array_equal(geometry.as_float(pixels), expected)
    overshoot = tf.constant([-0.1, 1.2])
    np.testing.assert_array_equal(geometry.as_float(overshoot), overshoot)


@pytest.mark.parametrize("kind", rounded_products.STORED_BITS)
def test_accelerators_lose_no_part_of_a_level(monkeypatch, kind):
    """Rounds the factors of every product, as matrix units do."""
    rng = np.random.default_rng(0)
    images = tf.constant(rng.integers(0, 256, (2, 40, 48, 3)), tf.uint8)
    boxes = tf.constant([[3, 5, 31, 40], [0, 0, 40, 48]])
    flip = tf.constant([True, False])
    resize = lambda: geometry.crop_resize_flip(  # noqa: E731
        images, boxes, flip, image_size=32
    )
    exact = resize()
    rounded_products.simulate(monkeypatch, kind)
    error = np.abs(resize() - exact).max() * 255
    assert error < LEVEL_TOLERANCE
    monkeypatch.setattr(matmul, "_only_cpus", lambda: True)
    assert np.abs(resize() - exact).max() * 255 > LOST_LEVELS
