"""`export` of a model that was trained by `fit`."""

import digits_run
import keras
import numpy as np
import pytest
import tensorflow as tf

import simclr_tf

IMAGES = digits_run.source().images[:4]


def features_of(model):
    return simclr_tf.embed(model, IMAGES)


def test_a_saved_model_is_opened_in_every_way(tmp_path):
    model = digits_run.small_model(num_classes=10)
    model.prepare(tf.TensorSpec([None, 8, 8, 3]))
    path = simclr_tf.export(model, tmp_path / "out", image_size=8)
    expected = features_of(model)
    floats = (IMAGES / 255).astype(np.float32)
    for found in (
        tf.saved_model.load(path)(floats),
        simclr_tf.SavedModelLayer(path)(floats),
        features_of(simclr_tf.load_model(path)),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_model_that_is_not_compiled(tmp_path):
    model = simclr_tf.SimCLR(simclr_tf.ResNet(10, width=1 / 16, stem="cifar"))
    model.build_on(8)
    path = simclr_tf.export(model, tmp_path / "out", image_size=8, step=5)
    assert "| steps | 5 |" in (tmp_path / "out" / "README.md").read_text()
    assert simclr_tf.load_model(path).encoder.depth == 10


def test_a_model_of_replicas_leaves_them(mirrored, tmp_path):
    with mirrored(2).scope():
        model = digits_run.small_model()
    model.prepare(tf.TensorSpec([None, 8, 8, 3]))
    simclr_tf.export(model, tmp_path / "out", image_size=8, format="keras")
    loaded = keras.models.load_model(tmp_path / "out" / "model.keras")
    np.testing.assert_allclose(
        features_of(loaded), features_of(model), rtol=1e-4, atol=1e-5
    )


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(simclr_tf.UserError, match="format must be one of"):
        simclr_tf.export(None, tmp_path, image_size=8, format="pb")
