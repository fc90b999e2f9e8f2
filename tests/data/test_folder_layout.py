"""Sub-folders are splits where all of them are called so, else classes."""

import pytest

from simclr_tf.data import folder_layout


def layout(*names):
    return folder_layout.layout_of("/r", [f"/r/{name}" for name in names])


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("TRAIN", "train"),
        ("Training", "train"),
        ("test", "test"),
        ("val", "validation"),
        ("valid", "validation"),
        ("Validation", "validation"),
    ],
)
def test_usual_names_in_any_case(name, split):
    found = layout(f"{name}/a/0.png", f"{name}/b/1.png")
    assert found.folders == {split: f"/r/{name}"}
    assert found.files == {split: (f"/r/{name}/a/0.png", f"/r/{name}/b/1.png")}
    assert found.note == ""


def test_all_sub_folders_are_splits():
    found = layout("Train/a/0.png", "VAL/a/1.png", "test/2.png")
    assert found.files == {
        "train": ("/r/Train/a/0.png",),
        "validation": ("/r/VAL/a/1.png",),
        "test": ("/r/test/2.png",),
    }


def test_images_beside_splits_are_left_out_and_named():
    found = layout("cover.png", "test/2.png", "train/a/0.png")
    assert set(found.files) == {"train", "test"}
    assert found.note == "images beside the splits left out: 1, '/r/cover.png'"


def test_a_class_called_train_is_a_class():
    """None is dropped for its name."""
    found = layout("bus/0.png", "train/1.png", "tram/2.png")
    assert found.folders == {"train": "/r"}
    assert len(found.files["train"]) == 3
    assert found.note == "'train' taken for classes, as 'bus' is no split"


def test_a_third_folder_makes_no_class_of_the_test_images():
    found = layout("train/a/0.png", "Test/a/1.png", "holdout/a/2.png")
    assert found.folders == {
        "train": "/r/train",
        "test": "/r/Test",
        "holdout": "/r/holdout",
    }


def test_two_names_of_one_split_keep_their_own():
    found = layout("train/0.png", "val/1.png", "validation/2.png")
    assert set(found.files) == {"train", "val", "validation"}


def test_images_without_labels_alone_are_no_split():
    assert layout("unlabeled/0.png").files == {"train": ("/r/unlabeled/0.png",)}
    both = layout("train/0.png", "unlabeled/1.png")
    assert set(both.files) == {"train", "unlabelled"}


def test_classes_and_flat_folders_need_no_word():
    assert layout("ant/0.png", "bee/1.png").note == ""
    assert layout("0.png", "1.png").note == ""
    assert layout().files == {"train": ()}


def test_the_first_folder():
    assert folder_layout.first_folder("/r/a/b/0.png", "/r") == "a"
    assert folder_layout.first_folder("/r/a/b/0.png", "/r/") == "a"
    assert folder_layout.first_folder("/r/0.png", "/r") is None
