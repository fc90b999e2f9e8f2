"""ONNX files: the same features under onnxruntime."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.exports import onnx_file
from simclr_tf.models import resnet, simclr

SIDE = 16
# Folded batch norms and other kernels, relative to the largest feature.
ROUNDING = 1e-4
# What bfloat16 activations of ten layers differ by, likewise.
BFLOAT16_ROUNDING = 0.05


def tiny(depth=10, **kwargs):
    return resnet.ResNet(
        depth, **{"width": 0.125, "stem": "cifar", "sync_bn": False, **kwargs}
    )


def other_encoder(dtype="float32"):
    images = keras.Input([None, None, 3])
    maps = keras.layers.Conv2D(4, 3, dtype=dtype)(images)
    maps = keras.layers.BatchNormalization(dtype=dtype)(maps)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))


ENCODERS = {
    "basic": tiny,
    "synchronised": lambda: tiny(sync_bn=True),
    "bottleneck_sk_se": lambda: tiny(
        50, width=0.0625, sk_ratio=0.0625, se_ratio=0.25, stem="imagenet"
    ),
    "imagenet_stem": lambda: tiny(stem="imagenet"),
    "other": other_encoder,
}


def built(encoder):
    """A model whose moving statistics are those of some training."""
    model = simclr.SimCLR(encoder, proj_head_mode="none").build_on(SIDE)
    for seed in range(3):
        model(images_of(8, seed=seed), training=True)
    return model


def images_of(batch, *, seed=9):
    generator = np.random.default_rng(seed)
    return generator.uniform(size=(batch, SIDE, SIDE, 3)).astype(np.float32)


def open_session(path):
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(path, providers=["CPUExecutionProvider"])


def worst(found, expected):
    """Largest difference relative to the largest number."""
    return np.max(np.abs(found - expected)) / np.max(np.abs(expected))


@pytest.fixture
def needs_tf2onnx():
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")


@pytest.mark.usefixtures("needs_tf2onnx")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if "sk_se" in name else name
        for name in ENCODERS
    ],
)
def test_the_features_are_the_same(name, tmp_path):
    model = built(ENCODERS[name]())
    path = onnx_file.write(model, str(tmp_path), image_size=SIDE)
    session = open_session(path)
    for batch in (1, 5):
        images = images_of(batch)
        (found,) = session.run(["features"], {"images": images})
        assert worst(found, model(images).features.numpy()) < ROUNDING
        assert found.dtype == np.float32


@pytest.fixture(scope="module")
def tiny_model():
    return built(tiny())


@pytest.mark.usefixtures("needs_tf2onnx")
def test_names_and_shapes(tiny_model, tmp_path):
    path = onnx_file.write(tiny_model, str(tmp_path), image_size=SIDE)
    assert path == str(tmp_path / "encoder.onnx")
    assert [entry.name for entry in tmp_path.iterdir()] == ["encoder.onnx"]
    session = open_session(path)
    (images,) = session.get_inputs()
    (features,) = session.get_outputs()
    assert (images.name, features.name) == ("images", "features")
    assert images.type == features.type == "tensor(float)"
    assert isinstance(images.shape[0], str)
    assert images.shape[1:] == [SIDE, SIDE, 3]
    assert features.shape[1:] == [tiny_model.encoder.num_features]


@pytest.mark.usefixtures("needs_tf2onnx")
def test_it_is_silent(tiny_model, tmp_path, capfd, recwarn, caplog):
    caplog.set_level("INFO")
    capfd.readouterr()
    onnx_file.write(tiny_model, str(tmp_path), image_size=SIDE)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "onnx" not in printed.err.lower()
    assert not [w for w in recwarn if "np.object" in str(w.message)]
    assert not [r for r in caplog.records if "onnx" in r.name]


@pytest.mark.usefixtures("needs_tf2onnx")
def test_the_model_is_left_as_it_was(tiny_model, tmp_path):
    before = [variable.numpy() for variable in tiny_model.variables]
    paths = [variable.path for variable in tiny_model.variables]
    onnx_file.write(tiny_model, str(tmp_path), image_size=SIDE)
    assert [variable.path for variable in tiny_model.variables] == paths
    for variable, value in zip(tiny_model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.usefixtures("needs_tf2onnx")
def test_bfloat16_is_written_in_float32(tmp_path):
    model = built(tiny(dtype="mixed_bfloat16"))
    path = onnx_file.write(model, str(tmp_path), image_size=SIDE)
    images = images_of(5)
    (found,) = open_session(path).run(["features"], {"images": images})
    assert worst(found, model(images).features.numpy()) < BFLOAT16_ROUNDING
    wide = tiny()
    wide(images)
    wide.set_weights(model.encoder.get_weights())
    assert worst(found, wide(images).numpy()) < ROUNDING


@pytest.mark.usefixtures("needs_tf2onnx")
def test_remote_directories(tmp_path):
    model = built(other_encoder())
    local = onnx_file.write(model, str(tmp_path), image_size=SIDE)
    tf.io.gfile.makedirs("ram://export/onnx")
    path = onnx_file.write(model, "ram://export/onnx", image_size=SIDE)
    assert path == "ram://export/onnx/encoder.onnx"
    assert tf.io.gfile.stat(path).length == tf.io.gfile.stat(local).length


def test_without_tf2onnx(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(errors.UserError, match="pip install tf2onnx") as told:
        onnx_file.write(None, str(tmp_path), image_size=SIDE)
    assert "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())


def test_releases_that_do_not_fit_together(monkeypatch, tmp_path):
    module = tmp_path / "tf2onnx.py"
    module.write_text("raise RuntimeError('protobuf is older\\nthan onnx')")
    monkeypatch.delitem(sys.modules, "tf2onnx", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(errors.UserError, match=r"protobuf is older$"):
        onnx_file.check_available()


def without_the_check(monkeypatch):
    monkeypatch.setattr(onnx_file, "check_available", lambda: None)


def test_another_encoder_in_bfloat16(monkeypatch, tmp_path):
    without_the_check(monkeypatch)
    model = built(other_encoder("mixed_bfloat16"))
    with pytest.raises(errors.UserError, match="computes in float32; got"):
        onnx_file.write(model, str(tmp_path), image_size=SIDE)


def test_too_large_for_the_format(monkeypatch, tmp_path):
    without_the_check(monkeypatch)
    model = built(other_encoder())
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 100)
    with pytest.raises(errors.UserError, match=r"below 2 GiB; got 0\.0"):
        onnx_file.write(model, str(tmp_path), image_size=SIDE)
