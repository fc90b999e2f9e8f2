"""The functions offered to Python programs."""

import numpy as np
import official_files
import pytest

import simclr_tf
from simclr_tf.interop import official
from simclr_tf.tasks import components

NETWORK = {
    "resnet_depth": 18,
    "width_multiplier": 1 / 32,
    "image_size": 8,
    "proj_out_dim": 4,
}


@pytest.fixture(scope="module")
def model():
    config = simclr_tf.Config(model_dir="d", **NETWORK)
    return components.make_eval_model(config, num_classes=3)


def test_a_model_comes_from_an_official_checkpoint(model, tmp_path):
    table = {k: v.value for k, v in official.tf2_variables(model).items()}
    path = official_files.write_tf2(table, f"{tmp_path}/ckpt-1")
    loaded = simclr_tf.load_model(path)
    for ours, theirs in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    images = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
    for ours, theirs in zip(loaded(images), model(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_flags_must_agree(model, tmp_path):
    table = {k: v.value for k, v in official.tf2_variables(model).items()}
    path = official_files.write_tf2(table, f"{tmp_path}/ckpt-1")
    with pytest.raises(simclr_tf.UserError, match="resnet_depth must be 18"):
        simclr_tf.load_model(path, resnet_depth=34)


def test_nothing_there_is_told(tmp_path):
    with pytest.raises(simclr_tf.UserError, match="checkpoint must name"):
        simclr_tf.load_model(str(tmp_path))
