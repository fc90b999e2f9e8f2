"""The functions offered to Python programs."""

import errno
import json
import pathlib

import numpy as np
import official_files
import pytest

import simclr_tf
from simclr_tf import Config
from simclr_tf.checkpoints import official
from simclr_tf.setup import given_checkpoint, networks

NETWORK = {
    "resnet_depth": 18,
    "width_multiplier": 1 / 32,
    "image_size": 8,
    "proj_out_dim": 4,
}


@pytest.fixture(scope="module")
def model():
    config = simclr_tf.Config(model_dir="d", **NETWORK)
    return networks.make_eval_model(config, num_classes=3)


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


def test_what_may_not_be_read_is_one_line(monkeypatch, tmp_path):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "x/ckpt-1")

    monkeypatch.setattr(given_checkpoint, "recall", refuse)
    with pytest.raises(simclr_tf.UserError, match=r"files must be usable.*x/c"):
        simclr_tf.load_model(str(tmp_path))


DIGITS = {
    "dataset": "digits",
    "eval_split": "test",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 1 / 8,
    "train_batch_size": 32,
    "train_steps": 2,
    "warmup_epochs": 0,
    "jit": "off",
}


@pytest.mark.slow
def test_from_images_to_scores(tmp_path):
    pretrained, tuned = (str(tmp_path / name) for name in ("first", "second"))
    first = simclr_tf.pretrain(Config(model_dir=pretrained, **DIGITS))
    assert first.step == 2
    assert first.metrics["train/contrast_loss"] > 0
    again = simclr_tf.pretrain(Config(model_dir=pretrained, **DIGITS))
    assert again.metrics == first.metrics
    for old, new in zip(
        first.model.variables, again.model.variables, strict=True
    ):
        np.testing.assert_array_equal(old, new)
    config = Config(
        train_mode="finetune",
        checkpoint=pretrained,
        labels_per_class=4,
        model_dir=tuned,
        **DIGITS,
    )
    assert simclr_tf.finetune(config).step == 2
    result = simclr_tf.evaluate(Config(mode="eval", model_dir=tuned))
    assert result == json.loads(pathlib.Path(tuned, "result.json").read_text())
    assert 0 <= result["eval/label_top_1_accuracy"] <= 1
    assert pathlib.Path(tuned, "saved_model", "2").is_dir()
    labels = pathlib.Path(tuned, "labels.txt").read_text().splitlines()
    assert len([line for line in labels if not line.startswith("#")]) == 40


@pytest.mark.parametrize("name", ["pretrain", "finetune", "distill"])
def test_another_kind_of_training_is_told(name):
    other = "pretrain" if name == "finetune" else "finetune"
    config = Config(model_dir="d", checkpoint="c", train_mode=other)
    with pytest.raises(simclr_tf.UserError, match=f"must be '{name}' for"):
        getattr(simclr_tf, name)(config)


@pytest.mark.parametrize("name", ["pretrain", "evaluate"])
def test_several_seeds_are_the_command_lines(name):
    config = Config(model_dir="d", num_seeds=2)
    with pytest.raises(simclr_tf.UserError, match="num_seeds must be 1"):
        getattr(simclr_tf, name)(config)
