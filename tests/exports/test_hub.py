"""SavedModels: both ways to call them, here and in a fresh process."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.exports import hub

TOLERANCE = 1e-5
"""float32 features near 1 through a graph that may be fused otherwise."""
TRAINING_TOLERANCE = 1e-4
"""With statistics of four rows, which amplify rounding."""
OFFICIAL_OUTPUTS = [
    "initial_conv",
    "initial_max_pool",
    "block_group1",
    "block_group2",
    "block_group3",
    "block_group4",
    "final_avg_pool",
    "proj_head_input",
    "proj_head_output",
    "logits_sup",
]
CALLS = ({"training": False}, {"training": True},
         {"trainable": False}, {"trainable": True})  # fmt: skip
FRESH_PROCESS = """
import sys
import keras
import numpy as np
import tensorflow as tf
directory, arrays = sys.argv[1:]
given = np.load(arrays)
images = given["images"]

def values(variables):
    return [variable.numpy() for variable in variables]

def moved(before, variables):
    return [np.any(a != b.numpy()) for a, b in zip(before, variables)]

# Features, and one step of fine-tuning.
encoder = tf.saved_model.load(directory)
np.testing.assert_allclose(encoder(images), given["features"], atol=1e-5)
statistics = [v for v in encoder.variables if not v.trainable]
before = values(encoder.trainable_variables)
statistics_before = values(statistics)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(encoder(images, training=True) ** 2)
gradients = tape.gradient(loss, encoder.trainable_variables)
assert not any(g is None for g in gradients)
for gradient, variable in zip(gradients, encoder.trainable_variables):
    variable.assign_sub(0.01 * gradient)
assert all(moved(before, encoder.trainable_variables))
assert sum(moved(statistics_before, statistics)) == given["num_statistics"]
tuned = encoder(images, training=False)
assert np.abs(tuned - given["features"]).max() > 1e-3

# The official call: in a tf.function, and under a tape.
official = tf.saved_model.load(directory)

@tf.function
def call(images):
    return official(images, trainable=False)

outputs = call(tf.constant(images))
for name in given["outputs"]:
    np.testing.assert_allclose(outputs[name], given[name], atol=1e-5)
with tf.GradientTape() as tape:
    outputs = official(images, trainable=True)
    loss = tf.reduce_sum(outputs["logits_sup"]) + tf.reduce_sum(
        outputs["proj_head_output"] ** 2)
gradients = tape.gradient(loss, official.trainable_variables_list)
assert not any(g is None for g in gradients)
with tf.GradientTape() as tape:
    loss = tf.reduce_sum(official(images, trainable=True)["final_avg_pool"])
gradients = tape.gradient(loss, official.trainable_variables)
assert not any(g is None for g in gradients)

# Held by a Keras model that trains a layer of its own, as the notebooks do.
class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.saved_model = tf.saved_model.load(directory)
        self.dense_layer = keras.layers.Dense(3, name="head_supervised_new")
        self.sgd = keras.optimizers.SGD(0.001)

    def call(self, x):
        with tf.GradientTape() as tape:
            outputs = self.saved_model(x, trainable=False)
            logits = self.dense_layer(outputs["final_avg_pool"])
            loss = tf.reduce_mean(logits ** 2)
        weights = self.dense_layer.trainable_weights
        self.sgd.apply(tape.gradient(loss, weights), weights)
        return loss

model = Model()
model.dense_layer.build((None, given["features"].shape[1]))
model.sgd.build(model.dense_layer.trainable_weights)
train = tf.function(lambda: model(tf.constant(images)))
losses = [float(train()) for _ in range(5)]
assert losses[-1] < losses[0], losses
assert len(model.trainable_weights) == 2

# As Keras' own layer for inference.
layer = keras.layers.TFSMLayer(directory, call_endpoint="serving_default")
np.testing.assert_allclose(
    layer(tf.constant(images))["default"], given["features"], atol=1e-5)
assert "simclr_tf" not in sys.modules
"""


@pytest.fixture(scope="module")
def features(model, images):
    return model(images, training=False).features.numpy()


@pytest.fixture
def loaded(exported):
    return tf.saved_model.load(exported)


def test_features_are_the_same_however_asked(loaded, images, features):
    calls = (
        loaded(images),
        loaded(images, False),
        loaded(images, training=False),
        loaded(images=images),
        loaded(images, training=False, trainable=None),
    )
    for found in calls:
        np.testing.assert_allclose(found, features, atol=TOLERANCE)


def test_any_batch_size_and_image_size(loaded, model, images, features):
    np.testing.assert_allclose(loaded(images[:1]), features[:1], atol=TOLERANCE)
    larger = np.tile(images, [1, 2, 3, 1])
    np.testing.assert_allclose(
        loaded(larger), model(larger).features, atol=TOLERANCE
    )


@pytest.mark.parametrize("trainable", [False, True])
def test_the_official_call_gives_every_named_output(
    exported, model, images, trainable
):
    loaded = tf.saved_model.load(exported)
    outputs = loaded(images, trainable=trainable)
    assert sorted(outputs) == sorted(OFFICIAL_OUTPUTS)
    held = [variable.numpy() for variable in model.variables]
    expected = model.endpoints(images, training=trainable)
    for variable, value in zip(model.variables, held, strict=True):
        variable.assign(value)
    for name, value in expected.items():
        assert outputs[name].dtype == tf.float32
        bound = TRAINING_TOLERANCE if trainable else TOLERANCE
        np.testing.assert_allclose(
            outputs[name], value, atol=bound, rtol=bound, err_msg=name
        )


def test_without_a_supervised_head_its_logits_are_absent(headless, images):
    loaded = tf.saved_model.load(headless)
    outputs = loaded(images, trainable=False)
    assert sorted(outputs) == sorted(set(OFFICIAL_OUTPUTS) - {"logits_sup"})
    with pytest.raises(KeyError, match="logits_sup"):
        outputs["logits_sup"]


@pytest.mark.parametrize("name", ["serving_default", "image_feature_vector"])
def test_the_signature(loaded, images, features, name):
    signature = loaded.signatures[name]
    assert list(signature.structured_input_signature[1]) == ["images"]
    found = signature(images=tf.constant(images))
    assert list(found) == ["default"]
    np.testing.assert_allclose(found["default"], features, atol=TOLERANCE)


def test_the_variables_are_listed(loaded, model):
    assert [tuple(v.shape) for v in loaded.variables] == [
        tuple(v.shape) for v in model.variables
    ]
    encoder = model.encoder
    assert len(loaded.trainable_variables) == len(encoder.trainable_variables)
    everything = {id(v) for v in loaded.variables}
    assert {id(v) for v in loaded.trainable_variables} < everything
    heads = loaded.trainable_variables_list
    assert len(heads) == len(model.trainable_variables)
    assert list(loaded.regularization_losses) == []


@pytest.mark.parametrize("given", CALLS, ids=str)
def test_training_moves_the_statistics_alone(exported, images, given):
    loaded = tf.saved_model.load(exported)
    before = [variable.numpy() for variable in loaded.variables]
    loaded(images, **given)
    for old, variable in zip(before, loaded.variables, strict=True):
        is_statistic = not variable.trainable
        is_reached = "trainable" in given or "resnet" in variable.name
        moves = any(given.values()) and is_statistic and is_reached
        assert np.any(old != variable.numpy()) == moves, variable.name


@pytest.mark.parametrize("given", CALLS, ids=str)
def test_the_graph_holds_no_collective(loaded, given):
    call = loaded.__call__.get_concrete_function(hub.IMAGES, **given)
    names = {node.op for node in call.graph.as_graph_def().node}
    assert not {name for name in names if name.startswith("Collective")}


def test_what_was_not_traced_is_told(loaded, images):
    with pytest.raises(ValueError, match="matching concrete function"):
        loaded(images.astype("uint8"))


@pytest.mark.slow
def test_a_fresh_process_uses_and_tunes_it(
    exported, model, images, features, tmp_path
):
    outputs = model.endpoints(images)
    statistics = model.encoder.non_trainable_variables
    arrays = str(tmp_path / "given.npz")
    np.savez(
        arrays,
        images=images,
        features=features,
        outputs=list(outputs),
        num_statistics=len(statistics),
        **outputs,
    )
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, exported, arrays],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
