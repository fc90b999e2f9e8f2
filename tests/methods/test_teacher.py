"""A teacher of any kind of file, ours and official."""

import numpy as np
import official_files
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint, official, opened, state, tf1
from simclr_tf.config import Config
from simclr_tf.methods import teacher
from simclr_tf.setup import model_dir, networks

CLASSES = 3
NETWORK = {
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 0.125,
    "num_proj_layers": 2,
    "proj_out_dim": 8,
}
KINDS = {
    "ours": opened.OURS,
    "tf2": opened.OFFICIAL_TF2,
    "saved_model": opened.OFFICIAL_SAVED_MODEL,
    "tf1": opened.OFFICIAL_TF1,
}
ROUNDING = 0.05
"""Of logits near 1 through an encoder in bfloat16, 8 bits."""


@pytest.fixture(scope="module")
def model():
    """A network whose batch norms have moved."""
    made = networks.make_eval_model(
        Config(model_dir="d", **NETWORK), num_classes=CLASSES
    )
    made(tf.random.stateless_uniform([8, 8, 8, 3], [0, 1]), training=True)
    return made


@pytest.fixture(scope="module")
def paths(model, tmp_path_factory):
    """The same weights in four kinds of files."""
    root = tmp_path_factory.mktemp("kinds")
    table = {k: v.value for k, v in official.tf2_variables(model).items()}
    tensors = {k: v.numpy() for k, v in tf1.tf1_variables(model).items()}
    config = Config(model_dir=str(root / "ours"), **NETWORK)
    model_dir.open_run(config, {"num_classes": CLASSES, "train_steps": 7})
    trained = state.TrainState(model, None)
    return {
        "ours": checkpoint.Checkpoints(config.model_dir, trained).save(7),
        "tf2": official_files.write_tf2(table, f"{root}/tf2/ckpt-7"),
        "saved_model": official_files.write_saved_model(table, f"{root}/7"),
        "tf1": official_files.write_tf1(tensors, f"{root}/tf1/model.ckpt-7"),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_says_and_that_nothing_moves(paths, model, kind):
    found = teacher.recall(paths[kind])
    assert (found.kind, found.num_classes) == (KINDS[kind], CLASSES)
    assert found.step == 7
    # Only a run of ours tells it; others teach at any size.
    assert found.image_size == (8 if kind == "ours" else None)
    made = teacher.make_model(found, Config(model_dir="d"))
    assert made.trainable_variables == []
    images = tf.random.stateless_uniform([4, 8, 8, 3], [0, 2])
    expected = model(images, training=False).logits
    np.testing.assert_array_equal(teacher.logits_of(made)(images), expected)


def test_it_computes_as_the_student_does(paths, model):
    found = teacher.recall(paths["ours"])
    student = Config(model_dir="d", precision="bfloat16")
    made = teacher.make_model(found, student)
    assert made.encoder.dtype_policy.compute_dtype == "bfloat16"
    images = tf.random.stateless_uniform([4, 8, 8, 3], [0, 2])
    logits = teacher.logits_of(made)(images)
    assert logits.dtype == tf.float32
    expected = model(images, training=False).logits
    np.testing.assert_allclose(logits, expected, atol=ROUNDING)
    assert not np.array_equal(logits, expected)


def test_a_damaged_teacher_is_named(paths, tmp_path):
    prefix = tmp_path / "ckpt-7"
    with open(f"{paths['tf2']}.index", "rb") as file:
        (tmp_path / "ckpt-7.index").write_bytes(file.read()[:50])
    with pytest.raises(errors.UserError, match="teacher: checkpoint must be"):
        teacher.recall(str(prefix))
