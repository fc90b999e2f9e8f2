"""Checkpoints of every kind are recognised and their variables found."""

import json
import os
import shutil

import official_files
import official_weights
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import opened

NAME = "r18_cifar"
KEYS = set(official_weights.LAYOUT[NAME]["variables"])


@pytest.fixture(scope="module")
def table():
    return official_files.variables(NAME)


@pytest.fixture(scope="module")
def tf2_prefix(table, tmp_path_factory):
    directory = tmp_path_factory.mktemp("tf2")
    return official_files.write_tf2(table, str(directory / "ckpt-12"), step=12)


@pytest.fixture(scope="module")
def saved_model(table, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("saved") / "2000")
    return official_files.write_saved_model(table, directory)


@pytest.fixture(scope="module")
def tf1_prefix(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tf1")
    tensors = official_files.tf1_tensors(NAME)
    return official_files.write_tf1(tensors, str(directory / "model.ckpt-9"))


def assert_layout(found):
    shapes = official_weights.LAYOUT[NAME]["variables"]
    assert found.shapes == {key: shapes[key] for key in found.shapes}
    assert set(found.keys) == KEYS


def test_a_tf2_checkpoint(tf2_prefix):
    found = opened.open_checkpoint(tf2_prefix)
    assert found.kind == opened.OFFICIAL_TF2
    assert found.step == 12
    assert found.ignored == {"optimizer variables": 7}
    assert_layout(found)


def test_a_directory_of_exports_is_its_newest(saved_model, tmp_path):
    """What people paste: `model_dir/saved_model`."""
    shutil.copytree(saved_model, tmp_path / "2000")
    shutil.copytree(saved_model, tmp_path / "900")
    (tmp_path / "3000").mkdir()
    found = opened.open_checkpoint(str(tmp_path))
    assert found.step == 2000
    assert_layout(found)


def test_a_saved_model_by_its_graph_not_by_its_keys(saved_model):
    found = opened.open_checkpoint(saved_model)
    assert found.kind == opened.OFFICIAL_SAVED_MODEL
    assert found.step == 2000
    assert_layout(found)
    tails = {key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE") for key in KEYS}
    stored = {
        key.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
        for key in found.keys.values()
    }
    trained = [key for key in KEYS if "/moving_" not in key]
    assert len(stored - tails) >= len(trained)


def test_a_tf1_checkpoint(tf1_prefix):
    found = opened.open_checkpoint(tf1_prefix)
    assert found.kind == opened.OFFICIAL_TF1
    assert found.step == 7
    assert found.ignored == {
        "optimizer variables": 4,
        "moving averages of weights": 4,
    }
    assert found.shapes == official_files.TF1_LAYOUT[NAME]


def test_a_directory_stands_for_its_checkpoint(tf2_prefix, tf1_prefix):
    for prefix in (tf2_prefix, tf1_prefix):
        assert opened.find_prefix(os.path.dirname(prefix)) == prefix
        assert opened.find_prefix(f"{prefix}.index") == prefix


def touch(directory, *names):
    for name in names:
        (directory / f"{name}.index").touch()


def test_of_several_the_highest_number_counts(tmp_path):
    touch(tmp_path, "ckpt-9", "ckpt-10", "model.ckpt-8")
    assert opened.find_prefix(str(tmp_path)) == str(tmp_path / "ckpt-10")


def test_the_state_file_counts_more_wherever_it_was_written(tmp_path):
    touch(tmp_path, "ckpt-9", "ckpt-10")
    state = tmp_path / "checkpoint"
    state.write_text('model_checkpoint_path: "/gone/ckpt-9"\n')
    assert opened.find_prefix(str(tmp_path)) == str(tmp_path / "ckpt-9")
    state.write_text('model_checkpoint_path: "/gone/ckpt-3"\n')
    assert opened.find_prefix(str(tmp_path)) == str(tmp_path / "ckpt-10")


def test_a_committed_one_of_ours_counts_most(tmp_path):
    touch(tmp_path, "ckpt-9", "ckpt-10")
    (tmp_path / "ckpt-9.meta.json").write_text("{}")
    assert opened.find_prefix(str(tmp_path)) == str(tmp_path / "ckpt-9")


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_nothing_there_is_one_line(tmp_path, kind):
    path = tmp_path / "there"
    if kind == "empty":
        path.mkdir()
    if kind == "file":
        path.write_text("years of work")
    with pytest.raises(errors.UserError, match=r"there'$") as caught:
        opened.open_checkpoint(str(path))
    assert "\n" not in str(caught.value)


def test_an_unreadable_index_is_one_line(tmp_path):
    (tmp_path / "bad.index").write_bytes(b"nonsense")
    with pytest.raises(errors.UserError, match="must be readable") as caught:
        opened.open_checkpoint(str(tmp_path / "bad"))
    assert "\n" not in str(caught.value)


def test_another_network_is_told_apart(tmp_path):
    module = tf.Module()
    module.layer = tf.Module()
    module.layer.kernel = tf.Variable([1.0])
    tf.saved_model.save(module, str(tmp_path / "other"))
    prefix = tf.train.Checkpoint(x=module.layer.kernel).write(
        str(tmp_path / "ckpt")
    )
    for path in (str(tmp_path / "other"), prefix):
        with pytest.raises(errors.UserError, match="of a SimCLR network"):
            opened.open_checkpoint(path)


def test_our_saved_models_are_read_by_their_list(tmp_path):
    root = tf.train.Checkpoint()
    root.variables = [tf.Variable([1.0, 2.0]), tf.Variable(3.0)]
    tf.saved_model.save(root, str(tmp_path / "5"))
    facts = {
        "variables": ["simclr/a", "simclr/b"],
        "global_step": 5,
        "image_size": 8,
    }
    (tmp_path / "5" / opened.METADATA_FILE).write_text(json.dumps(facts))
    found = opened.open_checkpoint(str(tmp_path / "5"))
    assert found.kind == opened.OUR_SAVED_MODEL
    assert found.shapes == {"model/simclr/a": [2], "model/simclr/b": []}
    assert found.step == 5


@pytest.mark.parametrize(
    "facts", ["[]", "{}", '{"variables": ["a"], "global_step": null}']
)
def test_damaged_metadata_is_one_line(tmp_path, facts):
    root = tf.train.Checkpoint()
    root.variables = [tf.Variable([1.0, 2.0])]
    tf.saved_model.save(root, str(tmp_path / "5"))
    (tmp_path / "5" / opened.METADATA_FILE).write_text(facts)
    with pytest.raises(errors.UserError, match=r"a whole simclr_metadata"):
        opened.open_checkpoint(str(tmp_path / "5"))


@pytest.mark.parametrize("kind", ["binary", "directory"])
def test_a_damaged_state_file_is_passed_over(tmp_path, kind):
    touch(tmp_path, "ckpt-9")
    if kind == "binary":
        (tmp_path / "checkpoint").write_bytes(b"\xff\x00\xfe")
    else:
        (tmp_path / "checkpoint").mkdir()
    assert opened.find_prefix(str(tmp_path)) == str(tmp_path / "ckpt-9")


def test_tf1_names_in_a_saved_model_directory(tmp_path):
    tensors = official_files.tf1_tensors(NAME)
    (tmp_path / "variables").mkdir()
    official_files.write_tf1(tensors, f"{tmp_path}/variables/variables")
    (tmp_path / "saved_model.pb").touch()
    found = opened.open_checkpoint(str(tmp_path))
    assert found.kind == opened.OFFICIAL_TF1
    assert found.shapes == official_files.TF1_LAYOUT[NAME]
