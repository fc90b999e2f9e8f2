"""Folders of images."""

import os

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import catalog


def open_folder(root, split="train", **options):
    return catalog.open_source(f"folder:{root}", split, **options)


def test_sub_folders_are_classes(labelled_folder):
    source = open_folder(labelled_folder)
    names = [os.path.relpath(p, labelled_folder) for p in source.paths]
    assert names == [
        *(f"ant/{index}.png" for index in range(4)),
        *(f"bee/nested/{index}.png" for index in range(4, 7)),
    ]
    assert source.class_names == ("ant", "bee")
    assert source.num_classes == 2
    assert source.num_examples == 7
    np.testing.assert_array_equal(source.labels, [0, 0, 0, 0, 1, 1, 1])
    assert source.labels.dtype == np.int32
    assert source.name == f"folder:{labelled_folder}"


def test_a_flat_folder_is_unlabelled(tmp_path, image_maker):
    content = image_maker.encode(image_maker.random_image(0))
    for name in ("b.PNG", "a.png", "c.JpEg"):
        (tmp_path / name).write_bytes(content)
    source = open_folder(tmp_path)
    assert [os.path.basename(p) for p in source.paths] == [
        "a.png",
        "b.PNG",
        "c.JpEg",
    ]
    assert source.labels is None
    assert source.num_classes is None
    assert source.class_names is None


def test_an_image_beside_the_class_folders_has_no_label(
    labelled_folder, image_maker
):
    content = image_maker.encode(image_maker.random_image(0))
    path = os.path.join(labelled_folder, "z.png")
    image_maker.write(path, content)
    source = open_folder(labelled_folder)
    assert source.num_examples == 8
    assert source.class_names == ("ant", "bee")
    np.testing.assert_array_equal(source.labels, [0, 0, 0, 0, 1, 1, 1, -1])
    named = f"images in no class folder, unlabelled: 1, {path!r}"
    assert source.notes[0] == named


def test_where_most_lie_beside_them_there_are_no_labels(
    labelled_folder, image_maker
):
    content = image_maker.encode(image_maker.random_image(0))
    for index in range(8):
        path = os.path.join(labelled_folder, f"{index}.png")
        image_maker.write(path, content)
    source = open_folder(labelled_folder)
    assert source.num_examples == 15
    assert source.labels is None
    assert "most images lie in no class folder" in source.notes[0]


def test_one_class_folder_alone_gives_no_labels(tmp_path, image_maker):
    """As where the path is one level too high."""
    content = image_maker.encode(image_maker.random_image(0))
    for name in ("a", "b"):
        image_maker.write(f"{tmp_path}/photos/{name}/0.png", content)
    source = open_folder(tmp_path)
    assert source.num_classes is None
    assert source.notes == (
        "no labels, as there is one class folder, 'photos'",
    )


def test_what_is_left_out_is_noted(labelled_folder, image_maker):
    for name in (".hidden.png", "a.tiff", "b.tiff", "notes"):
        image_maker.write(os.path.join(labelled_folder, name), b"x")
    image_maker.write(os.path.join(labelled_folder, "@eaDir/0.png"), b"x")
    source = open_folder(labelled_folder)
    assert source.num_examples == 7
    assert source.notes == (
        "left out: 2 .tiff, 1 .txt, 1 bare name, 2 hidden, 1 system folder",
    )


@pytest.fixture
def split_folder(tmp_path, image_maker):
    """Splits "train" (classes a, b, c) and "test" (only b, c)."""
    content = image_maker.encode(image_maker.random_image(0))
    for part, names in (("train", "abc"), ("test", "bc")):
        for name in names:
            for index in range(4):
                path = tmp_path / part / name / f"{index}.png"
                image_maker.write(str(path), content)
    (tmp_path / "train" / "empty").mkdir()
    return tmp_path


def test_splits_share_the_training_classes(split_folder):
    train = open_folder(split_folder, "train")
    test = open_folder(split_folder, "test")
    assert train.num_examples == 12
    assert test.num_examples == 8
    assert train.class_names == test.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(test.labels, [1] * 4 + [2] * 4)


def test_slices_keep_all_classes(split_folder):
    part = open_folder(split_folder, "train[:1]")
    assert part.num_examples == 1
    assert part.num_classes == 3
    joined = open_folder(split_folder, "train[:50%]+test")
    assert joined.num_examples == 14


def test_a_test_class_without_training_is_refused(split_folder):
    os.rename(split_folder / "test" / "b", split_folder / "test" / "z")
    with pytest.raises(errors.UserError, match=r"classes must .*'z'"):
        open_folder(split_folder, "test")


@pytest.mark.parametrize("name", ["validation", "holdout"])
def test_an_unknown_split_is_refused(split_folder, name):
    with pytest.raises(errors.UserError, match=rf"test, train .*{name!r}"):
        open_folder(split_folder, name)


def test_classes_are_one_split(labelled_folder):
    with pytest.raises(errors.UserError, match=r"one of train .*'test'"):
        open_folder(labelled_folder, "test")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(
        errors.UserError, match=r"be a folder that exists.*nowhere"
    ):
        open_folder(tmp_path / "nowhere")


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(errors.UserError, match="must hold images"):
        open_folder(tmp_path)


def test_an_unreadable_image_is_named(labelled_folder, image_maker):
    path = os.path.join(labelled_folder, "bee", "broken.jpg")
    image_maker.write(path, b"\xff\xd8\xff not really")
    with pytest.raises(errors.UserError, match=r"bee/broken\.jpg: \w+"):
        open_folder(labelled_folder)


def test_too_large_an_image_is_named(labelled_folder):
    with pytest.raises(errors.UserError, match=r"\.png: .*pixels"):
        open_folder(labelled_folder, max_image_pixels=40)


def test_what_is_not_checked_is_opened(labelled_folder, image_maker):
    path = os.path.join(labelled_folder, "bee", "broken.png")
    image_maker.write(path, b"not really")
    source = open_folder(labelled_folder, check_images="none")
    assert path in source.paths


def test_encoded_are_the_files_in_order(labelled_folder):
    source = open_folder(labelled_folder)
    found = list(source.encoded().as_numpy_iterator())
    for path, content in zip(source.paths, found, strict=True):
        assert tf.io.gfile.GFile(path, "rb").read() == content


SAMPLE = os.path.join(
    os.path.dirname(__file__), "../../../shared/data/imagenet_sample"
)


@pytest.mark.skipif(not os.path.isdir(SAMPLE), reason="no sample here")
def test_ordinary_photographs():
    source = open_folder(SAMPLE)
    assert source.num_examples == 200
    assert source.num_classes is None
