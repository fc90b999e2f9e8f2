"""Exports with a supervised head say which class they see."""

import os
import types

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.exports import hub, serving

SIDE = 8
NAMES = ["ant", "bee", "cé"]
TFLITE = ["serving_default", "image_feature_vector", "uint8_images", "predict"]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (5, 20, 30, 3), dtype=np.uint8)


@pytest.fixture
def expected(model, pictures):
    """Probabilities of the model itself, float32 [5, 3]."""
    return tf.nn.softmax(model(serving.prepare(pictures, SIDE)).logits)


@pytest.mark.parametrize("name", ["predict", "classify_jpeg"])
def test_probabilities_and_names(exported, pictures, expected, name):
    classify = tf.saved_model.load(exported).signatures[name]
    given = {"images": tf.constant(pictures)}
    if name == "classify_jpeg":  # lossless, and `decode_jpeg` reads it
        given = {"jpeg": tf.stack([tf.io.encode_png(x) for x in pictures])}
    found = classify(**given)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    best = np.argmax(expected, axis=-1)
    np.testing.assert_array_equal(found["classes"], best)
    names = [each.decode() for each in found["names"].numpy()]
    assert names == [NAMES[number] for number in best]


def test_names_are_an_asset(exported, tmp_path):
    with open(f"{exported}/assets/labels.txt", encoding="utf-8") as file:
        assert file.read().splitlines() == NAMES
    moved = str(tmp_path / "moved")
    os.rename(exported, moved)
    try:
        loaded = tf.saved_model.load(moved)
        assert loaded.labels.asset_path.numpy().decode().startswith(moved)
    finally:
        os.rename(moved, exported)


def test_without_a_head_nothing_classifies(headless):
    loaded = tf.saved_model.load(headless)
    assert not {"predict", "classify_jpeg"} & set(loaded.signatures)
    assert not os.listdir(f"{headless}/assets")


def test_without_names_there_are_numbers(model):
    made = serving.make_classifiers(
        lambda images: model(images).logits, image_size=SIDE
    )
    assert set(made["predict"].structured_outputs) == {
        "probabilities",
        "classes",
    }


def test_the_card_tells(exported, headless):
    for directory, tells in ((exported, True), (headless, False)):
        with open(f"{directory}/README.md", encoding="utf-8") as file:
            assert ("`classify_jpeg`" in file.read()) == tells


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated")
@pytest.mark.parametrize("name", TFLITE)
def test_tensorflow_lite_gives_the_same(exported, pictures, name):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        exported, signature_keys=[name]
    )
    lite = tf.lite.Interpreter(model_content=converter.convert())
    given = pictures
    if "uint8" not in name and name != "predict":
        given = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    found = lite.get_signature_runner(name)(images=given)
    loaded = tf.saved_model.load(exported).signatures[name]
    for key, value in loaded(images=tf.constant(given)).items():
        if value.dtype == tf.string:
            np.testing.assert_array_equal(found[key], value)
        else:
            np.testing.assert_allclose(found[key], value, atol=1e-5)


def test_an_export_made_beside_an_accelerator_converts(model, monkeypatch):
    """There products are split by bit operations that TFLite lacks."""
    devices = [types.SimpleNamespace(device_type="GPU")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: devices)
    made = serving.make_signatures(
        lambda images: model(images).logits,
        images=hub.IMAGES,
        image_size=2 * SIDE,  # resized, by a product
    )["uint8_images"]
    monkeypatch.undo()
    kinds = {op.type for op in made.graph.get_operations()}
    assert "BitwiseAnd" not in kinds
    assert tf.lite.TFLiteConverter.from_concrete_functions([made]).convert()


@pytest.mark.parametrize("name", ["jpeg_bytes", "classify_jpeg"])
def test_jpeg_converts_with_tensorflow_operations(exported, name):
    converter = tf.lite.TFLiteConverter.from_saved_model(
        exported, signature_keys=[name]
    )
    with pytest.raises(Exception, match="TF Select ops: DecodeJpeg"):
        converter.convert()
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    assert converter.convert()
