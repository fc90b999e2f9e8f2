"""Which files are images: links, pipes, odd names, what is not ours."""

import os

import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import folder_scan


def scan(root):
    """(paths from the root on, what was left out)."""
    walk = folder_scan.FolderScan(str(root))
    paths = list(walk.image_files(str(root)))
    return [os.path.relpath(path, root) for path in paths], walk.left_out


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_images_at_any_depth_in_order(tmp_path):
    touch(tmp_path, "b/2.PNG", "b/c/1.jpg", "a.webp", "c.JPEG", "d.gif")
    names, left_out = scan(tmp_path)
    assert names == ["a.webp", "b/2.PNG", "b/c/1.jpg", "c.JPEG", "d.gif"]
    assert not left_out


def test_other_files_are_counted_by_kind(tmp_path):
    touch(tmp_path, "0.png", "1.tiff", "2.TIFF", "3.heic", "README", ".x.png")
    touch(tmp_path, "Thumbs.db", "@eaDir/0.png", "__MACOSX/1.png", ".git/2.png")
    names, left_out = scan(tmp_path)
    assert names == ["0.png"]
    assert left_out == {
        ".tiff": 2,
        ".heic": 1,
        ".db": 1,
        "bare name": 1,
        "hidden": 2,
        "system folder": 2,
    }
    assert folder_scan.describe(left_out) == (
        "left out: 1 .db, 1 .heic, 2 .tiff, 1 bare name, 2 hidden, 2 system "
        "folder"
    )
    assert folder_scan.describe({}) == ""


@pytest.mark.parametrize("target", ["..", ".", "../.."])
def test_a_link_to_a_folder_above_it_is_not_followed(tmp_path, target):
    touch(tmp_path, "r/a/0.png", "r/b/1.png", "outside.png")
    (tmp_path / "r/a/up").symlink_to(target)
    names, left_out = scan(tmp_path / "r")
    assert names == ["a/0.png", "b/1.png"]
    assert left_out == {"link to a folder above it": 1}


def test_below_a_first_level_folder_each_is_taken_once(tmp_path):
    """So that no image counts twice in a class or a split."""
    touch(tmp_path, "far/0.png", "far/deep/1.png", "r/a/b/2.png")
    for name in ("r/a/x", "r/a/y", "r/c"):
        (tmp_path / name).symlink_to(tmp_path / "far")
    (tmp_path / "r/a/z").symlink_to("b")
    (tmp_path / "far/back").symlink_to(tmp_path / "far")
    names, left_out = scan(tmp_path / "r")
    assert names == [
        "a/b/2.png",
        "a/x/0.png",
        "a/x/deep/1.png",
        "c/0.png",
        "c/deep/1.png",
    ]
    assert left_out == {
        "link to a folder above it": 2,
        "link to a folder that is taken already": 2,
    }


def test_splits_and_classes_may_be_links(tmp_path):
    """Into the folder, into a hidden store, and two to the same."""
    touch(tmp_path, "r/raw/train/0.png", "r/.store/cat/1.png")
    (tmp_path / "r/train").symlink_to("raw/train")
    (tmp_path / "r/cat").symlink_to(".store/cat")
    for name in ("one", "two"):
        (tmp_path / "r" / name).symlink_to("raw/train")
    names, _ = scan(tmp_path / "r")
    assert names == [
        "cat/1.png",
        "one/0.png",
        "raw/train/0.png",
        "train/0.png",
        "two/0.png",
    ]


def test_a_link_to_a_file_is_an_image(tmp_path):
    touch(tmp_path, "far/0.png")
    (tmp_path / "r").mkdir()
    (tmp_path / "r/1.png").symlink_to(tmp_path / "far/0.png")
    (tmp_path / "r/2.png").symlink_to(tmp_path / "gone.png")
    names, left_out = scan(tmp_path / "r")
    assert names == ["1.png"]
    assert left_out == {"broken link": 1}


def test_pipes_and_devices_are_not_opened(tmp_path):
    touch(tmp_path, "0.png")
    os.mkfifo(tmp_path / "1.png")
    (tmp_path / "2.png").symlink_to("/dev/zero")
    names, left_out = scan(tmp_path)
    assert names == ["0.png"]
    assert left_out["pipe or device"] + left_out["broken link"] == 2


def test_a_folder_called_like_an_image_is_a_folder(tmp_path):
    touch(tmp_path, "dir.jpg/0.png")
    assert scan(tmp_path)[0] == ["dir.jpg/0.png"]


def test_names_that_are_not_utf_8_are_counted(tmp_path):
    touch(tmp_path, "0.png")
    raw = os.fsencode(tmp_path) + b"/\xff.png"
    try:
        with open(raw, "wb") as file:
            file.write(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    names, left_out = scan(tmp_path)
    assert names == ["0.png"]
    assert left_out == {"name that is not UTF-8": 1}


def test_a_folder_that_fails_otherwise_is_not_dropped(tmp_path, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr(folder_scan.os, "scandir", fail)
    with pytest.raises(errors.UserError, match="Input/output error"):
        scan(tmp_path)


def test_a_run_among_the_images_is_none_of_them(tmp_path):
    touch(tmp_path, "0.png", "runs/one/config.json", "runs/one/metrics.jsonl")
    touch(tmp_path, "runs/one/report/curve.png", "config.json")
    names, left_out = scan(tmp_path)
    assert names == ["0.png"]
    assert left_out == {"run of this program": 1, ".json": 1}


def test_the_folder_itself_is_never_a_run(tmp_path):
    touch(tmp_path, "0.png", "config.json", "metrics.jsonl")
    assert scan(tmp_path)[0] == ["0.png"]


def test_a_remote_folder_is_walked_by_tensorflow():
    root = "ram://scan/photos"
    for name in ("a/0.png", "a/.x.png", "1.jpg", "2.tiff", "deep/er/3.gif"):
        folder = os.path.dirname(f"{root}/{name}")
        tf.io.gfile.makedirs(folder)
        with tf.io.gfile.GFile(f"{root}/{name}", "w") as file:
            file.write("x")
    walk = folder_scan.FolderScan(root)
    found = [x.removeprefix(root) for x in walk.image_files(root)]
    assert sorted(found) == ["/1.jpg", "/a/0.png", "/deep/er/3.gif"]
    assert walk.left_out == {".tiff": 1, "hidden": 1}
