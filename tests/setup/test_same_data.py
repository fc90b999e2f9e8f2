"""A run goes on with the images it began with, or is told to do otherwise."""

import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.data import folder, labelled, sources
from simclr_tf.setup import model_dir, plan_of_run

BATCH = 4


def write_png(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tf.io.encode_png(pixels).numpy())


@pytest.fixture
def photos(tmp_path):
    """A folder of eight images in two classes."""
    for number in range(8):
        name = ("cat", "dog")[number % 2]
        write_png(tmp_path / f"photos/{name}/{number}.png", number)
    return tmp_path / "photos"


def make_config(photos, **values):
    return Config(
        dataset=f"folder:{photos}",
        model_dir=f"{photos.parent}/run",
        train_batch_size=BATCH,
        train_epochs=10,
        **values,
    )


def facts_of(config):
    source = folder.open_folder(config.dataset, config.train_split)
    return plan_of_run.facts(source, plan_of_run.make_plan(config, source, 1))


def begin(photos):
    config = make_config(photos)
    model_dir.open_run(config, facts_of(config))


def go_on(photos, *, step=0, **values):
    config = make_config(photos, **values)
    facts = facts_of(config)
    model_dir.check_free(config, facts)
    model_dir.open_run(config, facts, step=step)
    return model_dir.read_run(config.model_dir)["facts"]


def add(photos):
    write_png(photos / "cat/new.png", 8)


def remove(photos):
    (photos / "cat/0.png").unlink()


def rename(photos):
    (photos / "cat/0.png").rename(photos / "cat/00.png")


def swap_class(photos):
    (photos / "cat/0.png").rename(photos / "dog/0.png")


def replace(photos):
    (photos / "cat/0.png").write_bytes(
        tf.io.encode_png(np.zeros((30, 40, 3), np.uint8)).numpy()
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (add, "there were 8, now there are 9"),
        (remove, "there were 8, now there are 7"),
        (rename, "of its 8 files some were renamed or replaced"),
        (swap_class, "of its 8 files some were renamed or replaced"),
        (replace, "of its 8 files some were renamed or replaced"),
    ],
)
def test_a_change_is_refused_or_accepted_and_recorded(photos, change, words):
    begin(photos)
    before = go_on(photos, step=3)
    assert "data_changes" not in before
    change(photos)
    with pytest.raises(errors.UserError) as caught:
        go_on(photos)
    assert words in str(caught.value)
    assert "--accept_data_change goes on" in str(caught.value)
    after = go_on(photos, step=5, accept_data_change=True)
    assert after["file_list"] != before["file_list"]
    (seen,) = after["data_changes"]
    assert seen == {
        "num_examples": 8,
        "file_list": before["file_list"],
        "train_steps": before["train_steps"],
        "until_step": 5,
    }
    assert go_on(photos, step=6) == after  # and needs no flag any more


def test_every_change_is_kept_in_the_record(photos):
    begin(photos)
    for step, change in ((5, add), (7, remove)):
        change(photos)
        facts = go_on(photos, step=step, accept_data_change=True)
    seen = facts["data_changes"]
    assert [each["until_step"] for each in seen] == [5, 7]
    assert [each["num_examples"] for each in seen] == [8, 9]


def test_other_classes_are_refused_whatever_is_accepted(photos):
    begin(photos)
    (photos / "dog").rename(photos / "owl")
    with pytest.raises(errors.UserError, match="'dog' for class 1, now it is"):
        go_on(photos, accept_data_change=True)


def test_a_record_without_a_list_of_files_is_believed(photos):
    config = make_config(photos)
    facts = facts_of(config)
    del facts["file_list"]
    model_dir.open_run(config, facts)
    rename(photos)
    assert "data_changes" not in go_on(photos)


def test_the_same_files_in_another_place_are_the_same_images(photos, caplog):
    begin(photos)
    moved = pathlib.Path(shutil.move(photos, photos.parent / "elsewhere"))
    with caplog.at_level("INFO", "absl"):
        go_on(moved)
    assert f"are in 'folder:{moved}' now, not in 'folder:{photos}'" in (
        caplog.text
    )
    remove(moved)
    third = pathlib.Path(shutil.move(moved, moved.parent / "third"))
    with pytest.raises(errors.UserError, match="has dataset='folder:"):
        go_on(third)


def recall(photos, **values):
    config = Config(
        mode="eval", model_dir=f"{photos.parent}/run",
        dataset=f"folder:{photos}", **values,
    )  # fmt: skip
    return model_dir.recall_run(config)[0].dataset


def test_evaluation_takes_images_that_moved(photos):
    begin(photos)
    moved = pathlib.Path(shutil.move(photos, photos.parent / "elsewhere"))
    assert recall(moved) == f"folder:{moved}"
    rename(moved)
    with pytest.raises(errors.UserError, match="has dataset='folder:"):
        recall(moved)
    with pytest.raises(errors.UserError, match="folder that exists"):
        recall(photos.parent / "nowhere")


def test_a_part_of_a_split_keeps_its_list_of_files(photos):
    source = folder.open_folder(f"folder:{photos}", "train")
    part = sources.take(source, [1, 3])
    assert part.file_list == source.file_list
    assert sources.cached(source).file_list == source.file_list
    half = folder.open_folder(f"folder:{photos}", "train[:50%]")
    assert half.file_list != source.file_list


def test_images_of_two_folders_have_both_lists(photos):
    source = folder.open_folder(f"folder:{photos}", "train")
    both = labelled.join(source, source)
    assert both.file_list == f"{source.file_list} + {source.file_list}"
