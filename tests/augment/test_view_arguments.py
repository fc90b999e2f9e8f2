"""`sample_views` and `apply_views` by the arguments that people have."""

import numpy as np
import pytest
import tensorflow as tf

import simclr_tf
from simclr_tf.augment import views

SIDE, SEED = 12, 3
POSITIONS = (5, 0, 90)
# Products of one image and of several may round differently.
TOLERANCE = 1e-6
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")


def sample(positions, seed=SEED, **sides):
    sides = {"height": SIDE, "width": SIDE} | sides
    return simclr_tf.sample_views(seed, positions, **sides)


def apply(images, view):
    return simclr_tf.apply_views(images, view, image_size=8)


def pictures(channels=3):
    shape = [len(POSITIONS), SIDE, SIDE, channels]
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def expected():
    return sample(tf.constant(POSITIONS, tf.int64))


def assert_same(pair, others):
    for view, other in zip(pair, others, strict=True):
        for name, one, two in zip(view._fields, view, other, strict=True):
            np.testing.assert_array_equal(one, two, err_msg=name)


def row(pair, index):
    return tuple(views.ViewSpec(*(f[index] for f in view)) for view in pair)


@pytest.mark.parametrize("dtype", [*INTEGERS, "uint64"])
def test_positions_of_any_integer_type(dtype, expected):
    assert_same(sample(tf.constant(POSITIONS, dtype)), expected)
    assert_same(sample(np.array(POSITIONS, dtype)), expected)
    assert_same(sample(np.array(POSITIONS[0], dtype)), row(expected, 0))


def test_positions_as_lists_variables_and_numbers(expected):
    for given in (list(POSITIONS), POSITIONS, tf.Variable(POSITIONS)):
        assert_same(sample(given), expected)
    assert_same(sample(POSITIONS[1]), row(expected, 1))
    far = 2**40 + 1  # beyond int32
    assert_same(sample([far]), sample(tf.constant([far], tf.int64)))


@pytest.mark.parametrize(
    "seed", [np.int32(SEED), np.uint64(SEED), tf.constant(SEED, tf.int32)]
)
def test_seeds_of_any_integer_type(seed, expected):
    assert_same(sample(POSITIONS, seed=seed), expected)


@pytest.mark.parametrize(
    "side", [np.int64(SIDE), tf.constant(SIDE, tf.int64), [SIDE] * 3]
)
def test_sides_of_any_integer_type(side, expected):
    assert_same(sample(POSITIONS, height=side, width=side), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_one_image_is_a_batch_of_one(channels, expected):
    images = pictures(channels)
    for index, view in enumerate(row(expected, 1)):
        whole = apply(images, expected[index])
        assert whole.shape == (len(POSITIONS), 8, 8, 3)
        alone = apply(images[1], view)
        assert alone.shape == (8, 8, 3)
        np.testing.assert_allclose(alone, whole[1], atol=TOLERANCE)


def test_gray_images_are_rgb_with_equal_channels(expected):
    gray = pictures(1)
    for images in (gray, gray.astype(np.float32) / 255):
        np.testing.assert_array_equal(
            apply(images, expected[0]),
            apply(np.repeat(images, 3, axis=3), expected[0]),
        )


def stored(images):
    positions = np.array(POSITIONS, np.int32)
    return tf.data.Dataset.from_tensor_slices((positions, images))


def view_of(positions, images):
    shape = tf.shape(images)
    first, _ = sample(positions, height=shape[-3], width=shape[-2])
    return apply(images, first)


@pytest.mark.parametrize(("batch", "channels"), [(None, 1), (3, 3)])
def test_within_tf_data(batch, channels, expected):
    rows = stored(pictures(channels))
    made = (rows.batch(batch) if batch else rows).map(view_of)
    found = np.stack(list(made))
    np.testing.assert_allclose(
        found.reshape([-1, 8, 8, 3]),
        apply(pictures(channels), expected[0]),
        atol=TOLERANCE,
    )


def test_decoded_files_in_tf_data(expected):
    """Sizes, channels and even ranks are unknown while a map is traced."""
    encoded = [tf.io.encode_png(image).numpy() for image in pictures(1)]
    for decode in (tf.io.decode_png, tf.io.decode_image):
        made = stored(encoded).map(
            lambda position, png, decode=decode: view_of(position, decode(png))
        )
        assert made.element_spec.shape == (8, 8, 3)
        np.testing.assert_allclose(
            np.stack(list(made)),
            apply(pictures(1), expected[0]),
            atol=TOLERANCE,
        )


def test_specs_pass_through_a_data_set(expected):
    specs = tf.data.Dataset.range(90, 91).map(sample).as_numpy_iterator()
    (first, second) = next(specs)
    assert_same((first, second), row(expected, 2))
    np.testing.assert_array_equal(
        apply(pictures()[2], first), apply(pictures()[2], row(expected, 2)[0])
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"positions": [0.0, 1.0]}, r"positions must be integers; got \[0.0,"),
        ({"positions": tf.ones([2])}, "positions must be integers; .*float32"),
        ({"positions": [True]}, r"positions must be integers; got \[True"),
        ({"positions": [[0]]}, r"positions must be \[B\], or \[\] for one"),
        ({"seed": 1.5}, "seed must be integers; got 1.5"),
        ({"seed": [1, 2]}, r"seed must be one integer; got shape \(2,\)"),
        ({"height": 8.0}, "height must be integers; got 8.0"),
        ({"width": None}, "width must be integers; got None"),
        ({"height": 0}, "height must be at least 1; got 0"),
        ({"width": [8, 8]}, r"one per image, \(1,\); got shape \(2,\)"),
        ({"positions": 0, "width": [8, 8]}, "one per image"),
    ],
)
def test_others_are_named(arguments, line):
    with pytest.raises(ValueError, match=line) as caught:
        sample(**{"positions": [0]} | arguments)
    assert "\n" not in str(caught.value)


def test_a_view_of_one_image_takes_one(expected):
    with pytest.raises(ValueError, match=r"\[H, W, C\], as view is of one"):
        apply(pictures(), row(expected, 0)[0])
    with pytest.raises(ValueError, match=r"one of the two ViewSpecs .*tuple"):
        apply(pictures(), expected)
