"""An export inside a Keras 3 model: tracked, trained, frozen, saved."""

import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

import simclr_tf
from simclr_tf import errors
from simclr_tf.exports import directory, hub
from simclr_tf.models import resnet, simclr

TOLERANCE = 1e-5
"""float32 features near 1 through a graph that may be fused otherwise."""


def values(variables):
    return [np.array(variable.numpy()) for variable in variables]


def moved(before, variables):
    return [
        bool(np.any(old != new))
        for old, new in zip(before, values(variables), strict=True)
    ]


@pytest.fixture
def layer(exported):
    return simclr_tf.SavedModelLayer(exported)


def test_features_and_named_outputs(exported, model, images):
    expected = model.endpoints(images)
    features = simclr_tf.SavedModelLayer(exported)(images)
    np.testing.assert_allclose(
        features, expected["final_avg_pool"], atol=TOLERANCE
    )
    for name in ("block_group4", "proj_head_output", "logits_sup"):
        found = simclr_tf.SavedModelLayer(exported, output=name)(images)
        np.testing.assert_allclose(found, expected[name], atol=TOLERANCE)


def test_the_weights_are_counted(layer, exported, model):
    """Those that the output depends on."""
    encoder = model.encoder
    assert len(layer.weights) == len(encoder.variables)
    assert len(layer.trainable_weights) == len(encoder.trainable_variables)
    whole = simclr_tf.SavedModelLayer(exported, output="logits_sup")
    assert len(whole.trainable_weights) == len(model.trainable_variables)


def classifier(layer):
    network = keras.Sequential([layer, keras.layers.Dense(3)])
    network.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return network


def fit(network, images):
    network.fit(images, np.arange(4) % 3, batch_size=4, epochs=1, verbose=0)


def test_fit_trains_it_and_moves_its_statistics(layer, images):
    network = classifier(layer)
    network(images)
    trained = values(layer.trainable_weights)
    others = values(layer.non_trainable_weights)
    features = np.array(layer(images))
    fit(network, images)
    assert all(moved(trained, layer.trainable_weights))
    assert sum(moved(others, layer.non_trainable_weights)) > 10
    assert np.abs(layer(images) - features).max() > 1e-4


def test_frozen_nothing_moves(layer, images):
    layer.trainable = False
    network = classifier(layer)
    network(images)
    assert len(network.trainable_weights) == 2
    before = values(layer.weights)
    fit(network, images)
    assert not any(moved(before, layer.weights))


def test_weights_are_saved_and_loaded(exported, images, tmp_path):
    first = classifier(simclr_tf.SavedModelLayer(exported))
    first(images)
    fit(first, images)
    first.save_weights(str(tmp_path / "tuned.weights.h5"))
    second = classifier(simclr_tf.SavedModelLayer(exported))
    second(images)
    assert np.any(np.array(second(images)) != np.array(first(images)))
    second.load_weights(str(tmp_path / "tuned.weights.h5"))
    np.testing.assert_array_equal(second(images), first(images))


def test_a_whole_model_is_saved_and_loaded(layer, images, tmp_path):
    network = classifier(layer)
    network(images)
    path = str(tmp_path / "network.keras")
    network.save(path)
    again = keras.models.load_model(path)
    np.testing.assert_allclose(again(images), network(images), atol=TOLERANCE)


def test_the_export_may_be_gone(exported, images, tmp_path):
    """What a file of Keras holds is whole, trained weights and all."""
    moved_later = shutil.copytree(exported, tmp_path / "export")
    network = classifier(simclr_tf.SavedModelLayer(moved_later))
    fit(network, images)
    network.save(tmp_path / "network.keras")
    shutil.rmtree(moved_later)
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(again(images), network(images), atol=TOLERANCE)
    fit(again, images)
    copy = keras.models.clone_model(again)
    copy.set_weights(again.get_weights())
    np.testing.assert_allclose(copy(images), again(images), atol=TOLERANCE)


def test_it_computes_in_the_precision_of_the_export(images, tmp_path):
    keras.utils.set_random_seed(0)
    encoder = resnet.ResNet(
        10, width=0.125, stem="cifar", sync_bn=False, dtype="mixed_bfloat16"
    )
    model = simclr.SimCLR(encoder, sync_bn=False).build_on(8)
    path = str(tmp_path / "7")
    facts = {"format": "savedmodel", "image_size": 8, "global_step": 7}
    directory.replace(
        path, lambda d: hub.write(model, d, image_size=8), metadata=facts
    )
    features = simclr_tf.SavedModelLayer(path)(images)
    assert features.dtype == "float32"
    np.testing.assert_allclose(features, tf.saved_model.load(path)(images))


def test_an_encoder_unknown_to_keras_is_refused(tmp_path):
    class Mine(keras.Model):
        def __init__(self, width):
            super().__init__()
            self.dense = keras.layers.Dense(width)

        def call(self, images):
            return self.dense(tf.reduce_mean(images, [1, 2]))

    model = simclr.SimCLR(Mine(4), proj_head_mode="none", sync_bn=False)
    model.build_on(8)
    path = str(tmp_path / "7")
    facts = {"format": "savedmodel", "image_size": 8, "global_step": 7}
    directory.replace(
        path, lambda d: hub.write(model, d, image_size=8), metadata=facts
    )
    assert tf.saved_model.load(path)(tf.zeros([1, 8, 8, 3])).shape == (1, 4)
    with pytest.raises(errors.UserError, match="that Keras can serialise"):
        simclr_tf.SavedModelLayer(path)


def test_the_functional_api_knows_its_shape(exported, images):
    inputs = keras.Input([8, 8, 3])
    features = simclr_tf.SavedModelLayer(exported)(inputs)
    assert features.shape == (None, 64)
    network = keras.Model(inputs, keras.layers.Dense(2)(features))
    assert network(images).shape == (4, 2)


def test_it_is_float32_under_any_policy(exported, images):
    expected = simclr_tf.SavedModelLayer(exported)(images)
    former = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        layer = simclr_tf.SavedModelLayer(exported)
        network = classifier(layer)
        fit(network, images)
    finally:
        keras.mixed_precision.set_dtype_policy(former)
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    again = simclr_tf.SavedModelLayer(exported, dtype="bfloat16")
    np.testing.assert_array_equal(again(images), expected)


def test_integer_images_are_refused(layer):
    with pytest.raises(errors.UserError, match=r"be floats.*uint8"):
        layer(np.zeros([1, 8, 8, 3], "uint8"))


@pytest.mark.parametrize("kind", ["nothing", "another SavedModel", "truncated"])
def test_what_is_no_export_is_refused(exported, tmp_path, kind):
    path = str(tmp_path / "there")
    if kind == "another SavedModel":
        tf.saved_model.save(tf.Module(), path)
    if kind == "truncated":
        shutil.copytree(exported, path)
        data = os.path.join(path, "variables", "variables.data-00000-of-00001")
        os.truncate(data, 100)
    with pytest.raises(errors.UserError, match=r"^directory") as caught:
        simclr_tf.SavedModelLayer(path)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_output_lists_what_there_is(exported):
    with pytest.raises(errors.UserError, match=r"final_avg_pool, .*got 'pool'"):
        simclr_tf.SavedModelLayer(exported, output="pool")


def test_an_absent_head_is_named(headless):
    with pytest.raises(errors.UserError) as caught:
        simclr_tf.SavedModelLayer(headless, output="logits_sup")
    assert "this export has no supervised head" in str(caught.value)
