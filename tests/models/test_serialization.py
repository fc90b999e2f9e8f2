"""Configurations and `.keras` files of the models, every variable counted."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.models import heads, resnet, simclr

SIDE = 16
IMAGES = np.random.RandomState(0).uniform(size=(2, SIDE, SIDE, 3))
IMAGES = IMAGES.astype("float32")
# The same graph on the same numbers; only the threads' order may differ.
SAME = 1e-6


def tiny(depth=10, **kwargs):
    return resnet.ResNet(depth, **{"width": 0.125, "stem": "cifar", **kwargs})


def other_encoder():
    images = keras.Input([None, None, 3])
    maps = keras.layers.Conv2D(4, 3, activation="relu")(images)
    maps = keras.layers.BatchNormalization()(maps)
    features = keras.layers.GlobalAveragePooling2D()(maps)
    return keras.Model(images, features, name="other")


# One of everything that has variables or another form.
MODELS = {
    "basic": lambda: simclr.SimCLR(tiny(), proj_out_dim=4),
    "no_head": lambda: simclr.SimCLR(
        tiny(stem="imagenet", bn_momentum=0.5, sync_bn=False),
        proj_head_mode="none",
        num_classes=3,
    ),
    "linear_se": lambda: simclr.SimCLR(
        tiny(se_ratio=0.25), proj_head_mode="linear", proj_out_dim=4
    ),
    "basic_sk": lambda: simclr.SimCLR(
        tiny(sk_ratio=0.0625, stem="imagenet", name="mine"),
        proj_head_mode="linear",
        num_classes=3,
        name="whole",
    ),
    "bottleneck": lambda: simclr.SimCLR(
        tiny(50, width=0.0625, stem="imagenet"),
        num_proj_layers=2,
        proj_out_dim=4,
        ft_proj_selector=1,
        num_classes=3,
        probe_stop_gradient=False,
        sync_bn=False,
        bn_momentum=0.7,
    ),
    "bottleneck_sk_se": lambda: simclr.SimCLR(
        tiny(50, width=0.0625, sk_ratio=0.0625, se_ratio=0.25), num_classes=3
    ),
    "bfloat16": lambda: simclr.SimCLR(
        tiny(dtype="mixed_bfloat16"), num_classes=3
    ),
    "other": lambda: simclr.SimCLR(other_encoder(), num_classes=3),
}


def randomise(model):
    """Gives each variable numbers that no initialiser gives."""
    generator = np.random.default_rng(1)
    for variable in model.variables:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return model


@pytest.fixture(params=MODELS, scope="module")
def model(request):
    return randomise(MODELS[request.param]().build_on(SIDE))


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("keras") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def loaded(path):
    return keras.models.load_model(path)


def test_every_variable_survives(model, loaded):
    assert [v.path for v in loaded.variables] == [
        v.path for v in model.variables
    ]
    for new, old in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(
            new.numpy(), old.numpy(), err_msg=old.path
        )
        assert new.dtype == old.dtype == "float32"
        assert new.trainable == old.trainable


def test_the_file_holds_every_variable_once(model, path, tmp_path):
    with zipfile.ZipFile(path) as archive:
        archive.extract("model.weights.h5", tmp_path)
    shapes = []
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visititems(lambda _, item: shapes.append(_shape(item)))
    found = sorted(shape for shape in shapes if shape is not None)
    assert found == sorted(tuple(v.shape) for v in model.variables)


def _shape(item):
    return item.shape if isinstance(item, h5py.Dataset) else None


def test_outputs_are_the_same(model, loaded):
    for old, new in zip(model(IMAGES), loaded(IMAGES), strict=True):
        assert (old is None) == (new is None)
        if old is not None:
            np.testing.assert_allclose(new, old, rtol=SAME, atol=SAME)


def test_the_loaded_model_trains_alike(model, loaded):
    old, new = (m(IMAGES, training=True).features for m in (model, loaded))
    np.testing.assert_allclose(new, old, rtol=SAME, atol=SAME)
    for new, old in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_allclose(
            new.numpy(), old.numpy(), rtol=SAME, atol=SAME, err_msg=old.path
        )


def test_config_is_a_fixed_point(model, loaded):
    again = simclr.SimCLR.from_config(model.get_config())
    # As JSON, which knows no tuples.
    texts = [json.dumps(each.get_config()) for each in (again, loaded, model)]
    assert texts[0] == texts[1] == texts[2]


def test_every_argument_is_in_the_config():
    given = {
        "depth": 50,
        "width": 0.5,
        "sk_ratio": 0.0625,
        "se_ratio": 0.25,
        "stem": "cifar",
        "bn_momentum": 0.99,
        "sync_bn": False,
        "fused_bn": False,
        "remat": True,
        "dtype": "mixed_bfloat16",
        "name": "encoder",
    }
    encoder = resnet.ResNet(**given)
    assert encoder.get_config() == given
    assert resnet.ResNet.from_config(given).get_config() == given


def test_the_default_encoder_is_in_the_config():
    config = simclr.SimCLR(bn_momentum=0.8, dtype="mixed_bfloat16").get_config()
    encoder = config["encoder"]["config"]
    assert encoder["depth"] == 50
    assert encoder["bn_momentum"] == config["bn_momentum"] == 0.8
    assert encoder["dtype"] == "mixed_bfloat16"


@pytest.mark.parametrize("mode", heads.MODES)
def test_parts_serve_in_other_models(mode, tmp_path):
    head = heads.ProjectionHead(
        mode, num_layers=2, out_dim=3, bn_momentum=0.8, name="head"
    )
    images = keras.Input([None, None, 3])
    stages = head(tiny()(images))
    whole = randomise(keras.Model(images, stages))
    path = tmp_path / "whole.keras"
    whole.save(path)
    again = keras.models.load_model(path)
    for old, new in zip(whole.variables, again.variables, strict=True):
        np.testing.assert_array_equal(
            new.numpy(), old.numpy(), err_msg=old.path
        )
    found = again.get_layer("head")
    assert (found.mode, found.num_layers, found.out_dim) == (mode, 2, 3)
    assert found.bn_momentum == 0.8
    for old, new in zip(
        tf.nest.flatten(whole(IMAGES)),
        tf.nest.flatten(again(IMAGES)),
        strict=True,
    ):
        np.testing.assert_allclose(new, old, rtol=SAME, atol=SAME)


def test_an_unbuilt_encoder_comes_back_unbuilt():
    serialised = keras.saving.serialize_keras_object(tiny())
    again = keras.saving.deserialize_keras_object(serialised)
    assert again.variables == []
    again(IMAGES)
    assert again.variables
