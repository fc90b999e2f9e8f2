"""Exported directories are whole or absent, and nothing else is touched."""

import hashlib
import json
import pathlib

import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.exports import directory

METADATA = {"format": "onnx", "global_step": 3}


def fill(temporary):
    pathlib.Path(temporary, "sub").mkdir()
    pathlib.Path(temporary, "sub", "weights.bin").write_bytes(b"abc")
    return {"outputs": {}}


def write(path, **metadata):
    return directory.replace(str(path), fill, metadata=METADATA | metadata)


def test_files_metadata_and_card_lie_together(tmp_path):
    write(tmp_path / "new")
    facts = json.loads((tmp_path / "new" / "simclr_metadata.json").read_text())
    assert facts == METADATA | {
        "outputs": {},
        "files": {"sub/weights.bin": hashlib.sha256(b"abc").hexdigest()},
    }
    card = (tmp_path / "new" / "README.md").read_text()
    assert "| steps | 3 |" in card
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


def test_an_earlier_export_is_replaced(tmp_path):
    for step in (1, 2):
        write(tmp_path / "1", global_step=step)
        facts = (tmp_path / "1" / "simclr_metadata.json").read_text()
        assert json.loads(facts)["global_step"] == step
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_a_failure_leaves_the_earlier_export(tmp_path):
    write(tmp_path / "1", global_step=1)

    def fail(temporary):
        fill(temporary)
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        directory.replace(str(tmp_path / "1"), fail, metadata=METADATA)
    facts = (tmp_path / "1" / "simclr_metadata.json").read_text()
    assert json.loads(facts)["global_step"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_a_move_that_fails_leaves_the_earlier_export(tmp_path, monkeypatch):
    write(tmp_path / "1", global_step=1)
    rename = tf.io.gfile.rename

    def fail_for_the_new(source, target, overwrite=False):
        if ".tmp-" in source and target == str(tmp_path / "1"):
            raise OSError("quota")
        rename(source, target, overwrite)

    monkeypatch.setattr(tf.io.gfile, "rename", fail_for_the_new)
    with pytest.raises(OSError, match="quota"):
        write(tmp_path / "1", global_step=2)
    facts = (tmp_path / "1" / "simclr_metadata.json").read_text()
    assert json.loads(facts)["global_step"] == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_a_slash_at_the_end_changes_nothing(tmp_path):
    for step in (1, 2):
        path = f"{tmp_path}/1/"
        assert write(path, global_step=step) == f"{tmp_path}/1"
        facts = (tmp_path / "1" / "simclr_metadata.json").read_text()
        assert json.loads(facts)["global_step"] == step
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("years of work")
    with pytest.raises(errors.UserError, match=r"must be writable; .*file/1'"):
        write(tmp_path / "file" / "1")
    assert (tmp_path / "file").read_text() == "years of work"


@pytest.mark.parametrize("kind", ["directory", "file", "empty directory"])
def test_what_is_not_ours_is_left_alone(tmp_path, kind):
    path = tmp_path / "precious"
    if kind == "file":
        path.write_text("years of work")
    else:
        path.mkdir()
    if kind == "directory":
        (path / "thesis.txt").write_text("years of work")
    with pytest.raises(errors.UserError, match="export_dir must be new or"):
        write(path)
    assert path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["precious"]


def test_stores_without_folders(tmp_path):
    path = f"ram://{tmp_path.name}/1"
    for step in (1, 2):
        directory.replace(
            path, fill_in_memory, metadata=METADATA | {"global_step": step}
        )
    with tf.io.gfile.GFile(f"{path}/simclr_metadata.json") as file:
        assert json.load(file)["global_step"] == 2
    assert tf.io.gfile.exists(f"{path}/weights.bin")


def fill_in_memory(temporary):
    with tf.io.gfile.GFile(f"{temporary}/weights.bin", "wb") as file:
        file.write(b"abc")
    return {}


def make_exports(parent, steps, *, ours=True):
    for step in steps:
        folder = pathlib.Path(parent, str(step))
        folder.mkdir()
        (folder / (directory.METADATA_FILE if ours else "x")).write_text("{}")


@pytest.mark.parametrize(
    ("keep", "left"),
    [(0, [5, 10, 9]), (1, [10]), (2, [10, 9]), (7, [5, 10, 9])],
)
def test_the_newest_exports_stay(tmp_path, keep, left):
    make_exports(tmp_path, [5, 9, 10])
    directory.sweep(str(tmp_path), keep=keep)
    found = {entry.name for entry in tmp_path.iterdir()}
    assert found == {str(step) for step in left}


def test_the_sweep_knows_what_is_ours(tmp_path):
    make_exports(tmp_path, [2])
    (tmp_path / "notes").mkdir()
    make_exports(tmp_path, [1], ours=False)
    with pytest.raises(errors.UserError, match="export_dir must be new or"):
        directory.sweep(str(tmp_path), keep=1)
    found = {entry.name for entry in tmp_path.iterdir()}
    assert found == {"1", "2", "notes"}


def test_the_one_just_written_is_spared(tmp_path):
    make_exports(tmp_path, [1, 2, 3])
    directory.sweep(str(tmp_path), keep=1, spare=1)
    assert {entry.name for entry in tmp_path.iterdir()} == {"1", "3"}
