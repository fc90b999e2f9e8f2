"""A user's mistake: one line, exit code 1, nothing made or overwritten."""

import os
import pathlib

import pytest
import tensorflow as tf
from command_line import NETWORK, TINY, run

from simclr_tf import files

PIXELS = [[[0, 128, 255]] * 6] * 6


def write_picture(path, *, is_whole=True):
    content = tf.io.encode_png(tf.constant(PIXELS, tf.uint8)).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if is_whole else content[:40])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders "flat" (no labels), "classes", "none", "damaged", "splits"."""
    root = tmp_path_factory.mktemp("pictures")
    for index in range(4):
        write_picture(root / f"flat/{index}.png")
        write_picture(root / f"classes/c{index % 2}/{index}.png")
        write_picture(root / f"damaged/{index}.png", is_whole=index != 2)
        write_picture(root / f"splits/train/c{index % 2}/{index}.png")
        write_picture(root / f"splits/test/{index}.png")
    (root / "none").mkdir()
    return root


def complaint(outcome):
    """The one line on stderr."""
    assert outcome.code == 1, outcome
    assert outcome.output == ""
    (line,) = outcome.lines
    assert line.startswith("simclr-tf: ")
    return line.removeprefix("simclr-tf: ")


def contents(root):
    return {
        path: path.read_bytes() if path.is_file() else None
        for path in pathlib.Path(root).rglob("*")
    }


NO_CHECKPOINT = (
    "checkpoint must name a checkpoint or a SavedModel, or a directory with one"
)
SMALL = ("--train_batch_size=4",)
WITH_EVAL = ("--mode=train_then_eval",)
CASES = {
    "unknown data set": (
        ["--dataset=digitz"],
        "dataset must be 'digits', 'folder:PATH' or a TFDS name; got "
        "'digitz'; did you mean 'digits'?",
    ),
    "unknown split": (
        ["--train_split=everything"],
        "train_split must be one of train, test for 'digits'; got 'everything'",
    ),
    "unknown eval split": (
        [*WITH_EVAL, "--eval_split=validation"],
        "eval_split must be one of train, test for 'digits'; got 'validation'",
    ),
    "no folder": (
        ["--dataset=folder:{pictures}/nowhere"],
        "dataset must be a folder that exists; got 'folder:{pictures}/nowhere'",
    ),
    "no images": (
        ["--dataset=folder:{pictures}/none"],
        "dataset must hold images (.jpg, .jpeg, .png, .gif, .bmp, .webp); "
        "none in 'folder:{pictures}/none'",
    ),
    "an unreadable image": (
        ["--dataset=folder:{pictures}/damaged", *SMALL],
        "images must be readable; {pictures}/damaged/2.png: ",
    ),
    "replicas do not divide the batch": (
        ["--num_replicas=3"],
        "train_batch_size must be divisible by the number of replicas, 3; "
        "got 64",
    ),
    "more replicas than devices": (
        ["--num_replicas=9"],
        "num_replicas must be at most the number of devices, 4; got 9",
    ),
    "a batch larger than the data": (
        ["--train_batch_size=2000"],
        "train_batch_size must be at most the number of training images, "
        "1437; got 2000",
    ),
    "a batch of one": (
        ["--train_batch_size=1"],
        "train_batch_size must be at least 2 for pretraining (one image "
        "has no negatives); got 1",
    ),
    "temperature": (
        ["--temperature=0"],
        "temperature must be positive; got 0.0",
    ),
    "warm-up": (
        ["--warmup_epochs=10"],
        "warmup_epochs must be shorter than training: 10 epochs are 224 "
        "steps of 6; got 10; a tenth of training is usual",
    ),
    "depth": (
        ["--resnet_depth=17"],
        "resnet_depth must be one of 10, 18, 34, 50, 101, 152, 200; got 17",
    ),
    "no labels to evaluate with": (
        [
            *WITH_EVAL,
            *SMALL,
            "--dataset=folder:{pictures}/flat",
            "--eval_split=train",
        ],
        "eval_split must have labels; 'folder:{pictures}/flat' split "
        "'train' has none: no labels, as most images lie in no class folder",
    ),
    "no labels in the eval split": (
        [*WITH_EVAL, *SMALL, "--dataset=folder:{pictures}/splits"],
        "eval_split must have labels; 'folder:{pictures}/splits' split "
        "'test' has none: images in no class folder, unlabelled: 4, "
        "'{pictures}/splits/test/0.png'",
    ),
    "no probe to evaluate": (
        [*WITH_EVAL, "--nolineareval_while_pretraining"],
        "eval_protocol=online needs a run with labels and "
        "lineareval_while_pretraining; use --eval_protocol=frozen",
    ),
    "no labels to monitor": (
        [
            *SMALL,
            "--dataset=folder:{pictures}/flat",
            "--knn_every_epochs=1",
        ],
        "knn_every_epochs needs labels; 'folder:{pictures}/flat' split 'train' "
        "has none: no labels, as most images lie in no class folder",
    ),
    "no checkpoint": (
        ["--checkpoint={pictures}/ckpt-1"],
        NO_CHECKPOINT + "; got '{pictures}/ckpt-1'",
    ),
    "a directory without a checkpoint": (
        ["--checkpoint={pictures}/none"],
        NO_CHECKPOINT + "; got '{pictures}/none'",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_line_before_anything_is_made(name, pictures, tmp_path):
    arguments, expected = CASES[name]
    arguments = [text.format(pictures=pictures) for text in arguments]
    before = contents(pictures)
    outcome = run(*TINY, f"--model_dir={tmp_path}/run", *arguments)
    expected = expected.format(pictures=pictures)
    found = complaint(outcome)
    assert found == expected or expected.endswith(": ")
    assert found.startswith(expected)
    assert os.listdir(tmp_path) == []
    assert contents(pictures) == before


def test_training_needs_a_model_dir():
    expected = "model_dir must be given for training; got None"
    assert complaint(run(*TINY)) == expected


def test_a_model_dir_that_is_a_file(tmp_path):
    path = tmp_path / "run"
    path.write_text("precious")
    expected = f"model_dir must be a directory; '{path}' is a file"
    assert complaint(run(*TINY, f"--model_dir={path}")) == expected
    assert path.read_text() == "precious"


def test_a_model_dir_that_cannot_be_written():
    found = complaint(run(*TINY, "--model_dir=/dev/null/run"))
    assert found.startswith("model_dir must be writable; '/dev/null/run': ")


@pytest.mark.parametrize("character", "*?[]")
def test_a_model_dir_with_glob_characters(tmp_path, character):
    path = f"{tmp_path}/run{character}"
    found = complaint(run(*TINY, f"--model_dir={path}"))
    assert found == (
        f"model_dir must be free of the glob characters *?[]; got {path!r}"
    )
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def other_run(tmp_path_factory):
    """A run of one step at temperature 0.2."""
    directory = str(tmp_path_factory.mktemp("other") / "run")
    outcome = run(
        *TINY,
        "--train_steps=1",
        "--temperature=0.2",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    return directory


@pytest.mark.parametrize("mode", ["train", "eval", "export"])
def test_a_model_dir_of_another_run(other_run, mode):
    before = contents(other_run)
    found = complaint(
        run(
            f"--mode={mode}",
            *TINY,
            "--train_steps=1",
            "--temperature=0.3",
            f"--model_dir={other_run}",
        )
    )
    assert found == (
        f"model_dir must hold no other run; '{other_run}' has "
        "temperature=0.2, asked for temperature=0.3"
    )
    assert contents(other_run) == before


def test_a_checkpoint_of_another_network(other_run, tmp_path):
    found = complaint(
        run(
            *TINY,
            "--width_multiplier=0.25",
            f"--checkpoint={other_run}",
            f"--model_dir={tmp_path}/run",
        )
    )
    assert found == (
        f"width_multiplier must be 0.125, as in the checkpoint '{other_run}'; "
        "got 0.25"
    )
    assert os.listdir(tmp_path) == []


def test_an_export_never_replaces_other_files(other_run, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    found = complaint(
        run(
            "--mode=export",
            f"--model_dir={other_run}",
            f"--export_dir={tmp_path}",
        )
    )
    expected = f"export_dir must be new or an earlier export; got '{tmp_path}'"
    assert found == expected
    assert os.listdir(tmp_path) == ["thesis.txt"]


@pytest.mark.parametrize("mode", ["eval", "export"])
def test_nothing_to_open(tmp_path, mode):
    found = complaint(run(f"--mode={mode}", f"--model_dir={tmp_path}"))
    assert found == (
        "model_dir must hold a run (a config.json) to evaluate or export; "
        f"got '{tmp_path}'"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"config": {}}'])
def test_a_damaged_config_is_named(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    found = complaint(run(*TINY, f"--model_dir={tmp_path}"))
    assert found.startswith("model_dir must hold a whole config.json; ")
    assert path.read_text() == text


def test_a_run_that_saved_nothing_cannot_be_exported(other_run, tmp_path):
    content = files.read_json(f"{other_run}/config.json")
    files.write_json(f"{tmp_path}/config.json", content)
    found = complaint(run("--mode=export", f"--model_dir={tmp_path}"))
    assert found == f"{NO_CHECKPOINT}; got '{tmp_path}'"


@pytest.mark.slow
def test_labels_that_are_there_are_used(pictures, tmp_path):
    outcome = run(
        *NETWORK,
        *SMALL,
        "--warmup_epochs=0",
        "--train_steps=1",
        "--jit=off",
        f"--dataset=folder:{pictures}/classes",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 0, outcome.lines
    assert "2 classes, online linear probe on" in outcome.lines[0]
