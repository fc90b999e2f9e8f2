"""Directories that may not be read or written, as users without root have."""

import ctypes
import os

import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.data import folder
from simclr_tf.setup import model_dir

FACTS = {"num_examples": 10, "num_classes": 2, "train_steps": 5}
VERSION = 0x20080522
OVERRIDES = 0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@pytest.fixture
def modes_hold():
    """Takes from root, for a test, what lets it pass over file modes."""
    if os.geteuid():
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(VERSION, 0)
    held = (ctypes.c_uint32 * 6)()  # twice effective, permitted, inheritable
    if libc.capget(header, held):
        pytest.skip("this system has no capabilities to drop")
    lowered = (ctypes.c_uint32 * 6)(*held)
    lowered[0] &= ~OVERRIDES
    assert libc.capset(header, lowered) == 0
    yield
    assert libc.capset(header, held) == 0


@pytest.fixture
def photos(tmp_path):
    content = tf.io.encode_png(tf.zeros([6, 7, 3], tf.uint8)).numpy()
    for name in ("cat/0.png", "cat/1.png", "dog/0.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "photos"


@pytest.fixture
def run(tmp_path):
    config = Config(dataset="digits", model_dir=str(tmp_path / "run"))
    model_dir.open_run(config, FACTS)
    yield tmp_path / "run"
    (tmp_path / "run").chmod(0o700)


def test_a_folder_that_cannot_be_read_is_named(photos, modes_hold):
    photos.chmod(0)
    try:
        with pytest.raises(errors.UserError) as caught:
            folder.open_folder(f"folder:{photos}", "train")
    finally:
        photos.chmod(0o700)
    assert "must be a folder that can be read; " in str(caught.value)
    assert str(photos) in str(caught.value)


def test_one_inside_is_left_out_and_named(photos, modes_hold):
    (photos / "dog").chmod(0)
    try:
        source = folder.open_folder(f"folder:{photos}", "train")
    finally:
        (photos / "dog").chmod(0o700)
    assert source.num_examples == 2
    assert f"unreadable folder '{photos}/dog'" in source.notes[-1]


def test_an_unreadable_image_is_named(photos, modes_hold):
    path = photos / "cat/1.png"
    path.chmod(0)
    with pytest.raises(errors.UserError, match=r"cat/1\.png.*Permission"):
        folder.open_folder(f"folder:{photos}", "train")


@pytest.mark.parametrize("name", ["", "config.json"])
def test_a_run_that_cannot_be_read_is_not_an_absent_one(run, name, modes_hold):
    (run / name).chmod(0)
    with pytest.raises(errors.UserError, match="Permission denied"):
        model_dir.recall_run(Config(mode="eval", model_dir=str(run)))


def test_what_cannot_be_written_is_refused_at_once(run, modes_hold):
    run.chmod(0o500)
    with pytest.raises(errors.UserError, match="run': Permission denied"):
        model_dir.make_directory(str(run))
