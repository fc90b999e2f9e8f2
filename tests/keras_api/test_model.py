"""`SimCLR` compiles and fits, as the command line trains."""

import functools

import digits_run
import keras
import numpy as np
import pytest
import tensorflow as tf
from command_line import metric_lines

import simclr_tf
from simclr_tf.data import pipeline

SAME = 1e-5  # float32 sums in another order; equal operations on equal images
NAMES = {
    "loss": "total_loss",
    "contrast_loss": "contrast_loss",
    "contrast_acc": "contrast_acc",
    "contrast_entropy": "contrast_entropy",
    "supervised_loss": "supervised_loss",
    "supervised_acc": "supervised_acc",
    "weight_decay": "weight_decay",
}


@functools.cache
def command_lines_steps(directory, num_replicas=1):
    """Metrics of every step, as the command line writes them."""
    directory = f"{directory}/{num_replicas}"
    config = simclr_tf.Config(
        model_dir=directory,
        steps_per_loop=1,
        log_every_secs=0,
        num_replicas=num_replicas,
        **digits_run.FLAGS,
    )
    simclr_tf.pretrain(config)
    return metric_lines(directory)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return str(tmp_path_factory.mktemp("runs"))


def assert_same_steps(history, lines):
    assert len(history["loss"]) == len(lines) == digits_run.STEPS
    for ours, theirs in NAMES.items():
        np.testing.assert_allclose(
            history[ours],
            [line[f"train/{theirs}"] for line in lines],
            rtol=SAME,
            atol=SAME,
            err_msg=ours,
        )


def fit(model, *data, **options):
    """The history of every step."""
    steps = {"epochs": digits_run.STEPS, "steps_per_epoch": 1, "verbose": 0}
    return model.fit(*data, **steps | options).history


def pairs():
    """Images and labels in the order of the command line, no positions."""
    batches = pipeline.train_dataset(
        digits_run.source(),
        batch_size=digits_run.BATCH,
        start_position=0,
        seed=digits_run.SEED,
    )
    return batches.map(lambda batch: (batch["images"], batch["labels"]))


def test_losses_of_a_dataset_are_those_of_the_command_line(directory):
    history = fit(digits_run.make_model(), pairs())
    assert_same_steps(history, command_lines_steps(directory))


def test_losses_of_arrays_are_those_of_the_command_line(directory):
    source = digits_run.source()
    history = fit(
        digits_run.make_model(),
        source.images,
        source.labels,
        batch_size=digits_run.BATCH,
    )
    assert_same_steps(history, command_lines_steps(directory))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dataset", "arrays"])
def test_so_are_those_of_two_replicas(directory, mirrored, kind):
    model = digits_run.make_model(mirrored(2))
    source = digits_run.source()
    if kind == "dataset":
        history = fit(model, pairs())
    else:
        history = fit(
            model, source.images, source.labels, batch_size=digits_run.BATCH
        )
    assert_same_steps(history, command_lines_steps(directory, 2))
    one = command_lines_steps(directory)[0]["train/total_loss"]
    assert history["loss"][0] == pytest.approx(one, rel=SAME)


@pytest.fixture(scope="module")
def images():
    return digits_run.source().images[:48]


@pytest.fixture(scope="module")
def labels():
    return digits_run.source().labels[:48]


@pytest.mark.usefixtures("eager")
class TestData:
    """What `fit` and `evaluate` take and refuse."""

    def test_labels_are_optional(self, images):
        history = digits_run.small_model().fit(images, batch_size=16, verbose=0)
        assert set(history.history) == {
            "loss",
            "contrast_loss",
            "contrast_acc",
            "contrast_entropy",
            "weight_decay",
        }
        assert history.history["weight_decay"] == [0.0]

    def test_labels_are_not_needed_where_nothing_reads_them(
        self, images, labels
    ):
        model = digits_run.small_model()
        data = tf.data.Dataset.from_tensor_slices((images, labels))
        model.fit(data.batch(16), verbose=0)
        assert int(model.optimizer.iterations) == 3

    def test_floats_and_bytes_are_the_same_images(self, images):
        found = [
            digits_run.small_model().fit(x, batch_size=16, verbose=0).history
            for x in (images, images / 255.0)
        ]
        assert found[0]["loss"] == pytest.approx(found[1]["loss"], rel=1e-4)

    def test_the_last_batch_is_whole_or_left_out(self, images):
        model = digits_run.small_model()
        batches = tf.data.Dataset.from_tensor_slices(images).batch(20)
        model.fit(batches, verbose=0)
        assert int(model.optimizer.iterations) == 2
        model.fit(images, batch_size=20, epochs=2, verbose=0)
        assert int(model.optimizer.iterations) == 6

    def test_fitting_again_goes_on(self, images):
        def small_steps():
            return digits_run.small_model(optimizer=keras.optimizers.SGD(1e-4))

        options = {"batch_size": 16, "steps_per_epoch": 1, "verbose": 0}
        once = small_steps()
        expected = once.fit(images, epochs=6, **options).history["loss"]
        twice = small_steps()
        found = [
            loss
            for _ in range(2)
            for loss in twice.fit(images, epochs=3, **options).history["loss"]
        ]
        assert found == pytest.approx(expected, rel=1e-3)
        assert len(set(found)) == 6

    def test_gray_images_are_taken_for_rgb(self, images):
        model = digits_run.small_model()
        gray = images[..., :1]
        model.fit(gray, batch_size=16, verbose=0)
        for name, value in model.predict(gray, verbose=0).items():
            expected = model.predict(images, verbose=0)[name]
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)

    def test_what_open_dataset_returns(self):
        model = digits_run.small_model(num_classes=10)
        source = simclr_tf.open_dataset("digits", "train[:64]")
        model.fit(source, batch_size=32, verbose=0)
        assert int(model.optimizer.iterations) == 2

    def test_evaluation_moves_nothing_and_repeats_itself(self, images, labels):
        model = digits_run.small_model(num_classes=10)
        model.fit(images, labels, batch_size=16, verbose=0)
        before = [variable.numpy() for variable in model.variables]
        found = [
            model.evaluate(
                images, labels, batch_size=16, verbose=0, return_dict=True
            )
            for _ in range(2)
        ]
        assert found[0] == found[1]
        assert 0 <= found[0]["supervised_acc"] <= 1
        for old, new in zip(before, model.variables, strict=True):
            np.testing.assert_array_equal(old, new)
        data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(16)
        assert model.evaluate(data, verbose=0)[0] > 0

    def test_validation_data(self, images, labels):
        model = digits_run.small_model(num_classes=10)
        history = model.fit(
            images,
            labels,
            batch_size=16,
            verbose=0,
            validation_data=(images[:20], labels[:20]),
        )
        assert history.history["val_loss"][0] > 0
        assert "val_supervised_acc" in history.history

    def test_a_batch_by_itself(self, images):
        model = digits_run.small_model()
        model.prepare(tf.TensorSpec(images.shape))
        found = model.train_on_batch(images[:16], return_dict=True)
        assert found["loss"] > 0
        assert int(model.optimizer.iterations) == 1

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda x, y: (x * 2.0, y), "in \\[0, 1\\] where it is float"),
            (lambda x, y: (x.astype(int), y), "x must be uint8, or floats"),
            (lambda x, y: (x[0], y), "x must be images"),
            (lambda x, y: (x, y[:3]), "one label for each of 48 images"),
            (lambda x, y: (x, y * 1.0), "y must be integers"),
            (lambda x, y: (x, y + 10), "y must be below num_classes=10"),
            (lambda x, y: (x, None), "y must be given for a model with"),
        ],
    )
    def test_other_arrays_are_refused(self, images, labels, change, message):
        model = digits_run.small_model(num_classes=10)
        with pytest.raises(ValueError, match=message):
            model.fit(*change(images, labels), batch_size=16, verbose=0)

    def test_floats_of_a_dataset_are_looked_at_while_it_runs(self, images):
        data = tf.data.Dataset.from_tensor_slices(images * 1.0).batch(16)
        with pytest.raises(tf.errors.InvalidArgumentError, match="by 255"):
            digits_run.small_model().fit(data, verbose=0)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"batch_size": 49}, "batch_size must be from 1 to the 48"),
            ({"batch_size": 0}, "batch_size must be from 1 to the 48"),
        ],
    )
    def test_other_batches_are_refused(self, images, options, message):
        with pytest.raises(simclr_tf.UserError, match=message):
            digits_run.small_model().fit(images, verbose=0, **options)

    def test_batches_that_replicas_cannot_share_are_refused(
        self, images, mirrored
    ):
        with mirrored(2).scope():
            model = digits_run.small_model()
        for data in (
            {"x": images, "batch_size": 15},
            {"x": tf.data.Dataset.from_tensor_slices(images).batch(15)},
        ):
            with pytest.raises(simclr_tf.UserError, match="multiple of the 2"):
                model.fit(**data, verbose=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nt_xent": "fast"}, "nt_xent must be one of"),
        ({"temperature": 0}, "temperature must be > 0"),
        ({"jit_compile": "on"}, "jit_compile must be 'auto'"),
        ({"views": 3}, "views must be a RandomViews"),
    ],
)
def test_compile_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        digits_run.small_model(**options)


def test_fit_wants_compile_first():
    model = simclr_tf.SimCLR(simclr_tf.ResNet(10, width=1 / 16, stem="cifar"))
    with pytest.raises(simclr_tf.UserError, match="compile must be called"):
        model.fit(np.zeros([4, 8, 8, 3], "uint8"))


def test_lars_leaves_the_classifier_out():
    model = digits_run.make_model()
    model.prepare(tf.TensorSpec([None, 8, 8, 3]))
    assert model.optimizer.exclude == tuple(
        variable.path for variable in model.supervised_variables
    )


def test_views_of_any_function(images):
    def two_views(images, positions):
        del positions
        floats = tf.cast(images, tf.float32) / 255
        return tf.concat([floats, floats[:, :, ::-1]], axis=0)

    model = digits_run.small_model(views=two_views)
    two_channels = images[..., :2]
    model.fit(two_channels, batch_size=16, verbose=0)
    features = model.predict(two_channels, verbose=0)["features"]
    assert features.shape == (48, 32)


@pytest.mark.usefixtures("eager")
def test_a_saved_model_goes_on_where_it_was(images, labels, tmp_path):
    path = f"{tmp_path}/model.keras"
    model = digits_run.make_model()
    fit(model, images, labels, batch_size=16, epochs=2)
    model.save(path)
    loaded = keras.models.load_model(path)
    assert type(loaded) is type(model)
    assert loaded.get_compile_config()["temperature"] == 0.2
    assert loaded.get_compile_config()["views"].image_size == 8
    assert loaded.optimizer.exclude == model.optimizer.exclude
    pairs = zip(loaded.variables, model.variables, strict=True)
    slots = zip(
        loaded.optimizer.variables, model.optimizer.variables, strict=True
    )
    for new, old in (*pairs, *slots):
        np.testing.assert_array_equal(new, old, err_msg=old.path)
    found, expected = (
        fit(each, images, labels, batch_size=16, epochs=1)
        for each in (loaded, model)
    )
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=SAME, atol=SAME)


@pytest.mark.slow
def test_load_model_gives_one_that_fits(images, tmp_path):
    config = simclr_tf.Config(
        model_dir=str(tmp_path / "run"),
        **digits_run.FLAGS | {"train_steps": 1},
    )
    simclr_tf.pretrain(config)
    model = simclr_tf.load_model(config.model_dir)
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    labels = np.zeros(48, "int64")
    history = model.fit(images, labels, batch_size=16, verbose=0)
    assert history.history["loss"][0] > 0


def encoder_of(kind):
    if kind == "functional":
        images = keras.Input([None, None, 3])
        maps = keras.layers.Conv2D(4, 3, activation="relu")(images)
        return keras.Model(images, keras.layers.GlobalMaxPooling2D()(maps))
    return keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3),
        include_top=False,
        weights=None,
        include_preprocessing=False,
        pooling="avg" if kind == "application" else None,
    )


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("kind", ["functional", "application"])
def test_any_encoder_fits(kind):
    model = simclr_tf.SimCLR(encoder_of(kind), proj_out_dim=4)
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    images = np.zeros([4, 32, 32, 3], "uint8")
    model.fit(images, batch_size=4, verbose=0)
    assert model.predict(images, verbose=0)["projections"].shape == (4, 4)


def test_an_encoder_that_gives_maps_is_told():
    model = simclr_tf.SimCLR(encoder_of("maps"))
    model.compile("sgd")
    with pytest.raises(simclr_tf.UserError, match="global average pooling"):
        model.fit(np.zeros([4, 32, 32, 3], "uint8"), batch_size=4, verbose=0)
