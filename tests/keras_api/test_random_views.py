"""`RandomViews`: the command line's views, wherever Keras may be."""

import digits_run
import keras
import numpy as np
import pytest
import tensorflow as tf

import simclr_tf

SEED, SIDE = 5, 12
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3))
IMAGES = IMAGES.astype(np.uint8)
POSITIONS = np.array([7, 0, 2**40, 3])
SAME = 1e-5  # of [0, 1]: the same operations, perhaps fused


def expected_views(images, positions, *, seed=SEED, **recipe):
    """By the public functions."""
    pair = simclr_tf.sample_views(
        seed, positions, height=16, width=16, **recipe
    )
    rows = [
        simclr_tf.apply_views(images, view, image_size=SIDE) for view in pair
    ]
    return np.concatenate(rows)


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=SAME)


@pytest.mark.parametrize("kind", ["bytes", "floats", "gray"])
def test_the_arithmetic_is_that_of_the_functions(kind):
    images = IMAGES
    if kind == "floats":
        images = (IMAGES / 255).astype(np.float32)
    if kind == "gray":
        images = IMAGES[..., :1]
    layer = simclr_tf.RandomViews(SIDE, seed=SEED, strength=0.5)
    found = layer(images, POSITIONS)
    assert found.shape == (8, SIDE, SIDE, 3)
    assert_close(found, expected_views(images, POSITIONS, strength=0.5))


def test_without_positions_the_layer_counts():
    layer = simclr_tf.RandomViews(SIDE, seed=SEED)
    found = [layer(IMAGES[part]) for part in (slice(0, 1), slice(1, 4))]
    expected = expected_views(IMAGES, np.arange(4))
    assert_close(np.concatenate([found[0][:1], found[1][:3]]), expected[:4])
    assert_close(np.concatenate([found[0][1:], found[1][3:]]), expected[4:])


def test_in_a_map_of_tf_data():
    layer = simclr_tf.RandomViews(SIDE, seed=SEED)
    data = tf.data.Dataset.from_tensor_slices(IMAGES)
    counted = list(data.batch(2).map(layer))
    assert_close(counted[1], expected_views(IMAGES[2:], [2, 3]))
    given = data.enumerate().batch(2).map(lambda at, x: layer(x, at))
    for one, other in zip(given, counted, strict=True):
        assert_close(one, other)


def test_in_a_keras_model_trained_by_the_loss():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input([16, 16, 3]),
            simclr_tf.RandomViews(SIDE, seed=SEED),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    assert model.output_shape[1:] == (4,)
    model.compile("sgd", simclr_tf.NTXent(temperature=0.5))
    images = IMAGES.astype(np.float32) / 255
    history = model.fit(images, np.zeros(4), batch_size=4, verbose=0)
    assert 0 < history.history["loss"][0] < 2 * np.log(7) + 1


def test_replicas_count_on_together(mirrored):
    strategy = mirrored(2)
    with strategy.scope():
        layer = simclr_tf.RandomViews(SIDE, seed=SEED)
    parts = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            IMAGES[2 * context.replica_id_in_sync_group :][:2]
        )
    )
    expected = expected_views(IMAGES, np.arange(4))
    call = tf.function(lambda: strategy.run(layer, args=(parts,)))
    found = strategy.experimental_local_results(call())
    assert_close(found[0], expected[[0, 1, 4, 5]])
    assert_close(found[1], expected[[2, 3, 6, 7]])
    again = strategy.experimental_local_results(call())[1]
    assert_close(again[:2], expected_views(IMAGES[2:], [6, 7])[:2])


@keras.saving.register_keras_serializable(package="test")
def brightened(images, seeds):
    """Each image plus a number of its own."""
    shift = tf.map_fn(
        lambda seed: tf.random.stateless_uniform([], seed),
        seeds,
        fn_output_signature=tf.float32,
    )
    return images + shift[:, None, None, None]


@pytest.mark.parametrize("channels", [1, 2, 7])
def test_functions_of_ones_own_take_any_channels(channels):
    images = np.zeros([3, 4, 4, channels], np.float32)
    layer = simclr_tf.RandomViews(functions=brightened, seed=SEED)
    found = layer(images, np.arange(3)).numpy()
    assert found.shape == (6, 4, 4, channels)
    assert len(set(found[:, 0, 0, 0])) == 6
    alone = layer(images[:1], np.array([2])).numpy()
    assert_close(alone, found[[2, 5]])
    apart = simclr_tf.RandomViews(
        functions=(lambda x, seeds: x, brightened), seed=SEED
    )
    rows = apart(images, np.arange(3)).numpy()
    assert_close(rows[:3], images)
    assert_close(rows[3:], found[3:])


@pytest.mark.usefixtures("eager")
def test_functions_train_a_model_of_as_many_channels():
    views = simclr_tf.RandomViews(functions=brightened)
    model = digits_run.small_model(views=views)
    images = np.random.default_rng(0).random((8, 8, 8, 5), np.float32)
    model.fit(images, batch_size=4, verbose=0)
    assert model.predict(images, verbose=0)["features"].shape == (8, 32)


@pytest.mark.parametrize(
    "options",
    [
        {"image_size": SIDE, "crop_area": (0.3, 0.9), "blur_prob": 0.0},
        {"functions": brightened, "seed": 3},
    ],
)
def test_a_config_makes_the_same_layer(options):
    layer = simclr_tf.RandomViews(**options)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert again.get_config() == layer.get_config()
    assert_close(again(IMAGES, POSITIONS), layer(IMAGES, POSITIONS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -1}, "^strength must be at least 0"),
        ({"jitter_impl": "v3"}, "jitter_impl must be one of"),
        ({"functions": 3}, "functions must be a function"),
        ({"functions": (brightened,)}, "functions must be a function"),
    ],
)
def test_other_arguments_are_refused(options, message):
    with pytest.raises((simclr_tf.UserError, TypeError), match=message):
        simclr_tf.RandomViews(SIDE, **options)


def test_channels_without_colours_are_refused():
    with pytest.raises(ValueError, match="3 channels"):
        simclr_tf.RandomViews(SIDE)(IMAGES[..., :2], POSITIONS)


def test_images_of_many_sizes_need_a_side():
    with pytest.raises(simclr_tf.UserError, match="views must have image_size"):
        simclr_tf.RandomViews().make_crops()
