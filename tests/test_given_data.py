"""Which images: those of the checkpoint, and the split that there is."""

import csv
import json

import pytest
import tensorflow as tf
from command_line import NETWORK, TINY, run

TINY_BUT_DATA = tuple(
    flag for flag in TINY if not flag.startswith(("--dataset", "--eval_split"))
)
SMALL = (
    *NETWORK,
    "--train_batch_size=4",
    "--train_steps=2",
    "--warmup_epochs=0",
    "--eval_batch_size=8",
    "--jit=off",
)
NUM_IMAGES = 40
pytestmark = pytest.mark.usefixtures("no_export")
FROZEN = ("--eval_protocol=frozen", "--eval_methods=knn", "--knn_neighbors=5")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of two classes, and no splits."""
    root = tmp_path_factory.mktemp("photos")
    for index in range(NUM_IMAGES):
        folder = root / f"c{index % 2}"
        folder.mkdir(exist_ok=True)
        pixels = tf.fill([8, 8, 3], tf.cast(6 * index, tf.uint8))
        (folder / f"{index}.png").write_bytes(tf.io.encode_png(pixels).numpy())
    return f"--dataset=folder:{root}"


def done(*arguments):
    """The lines of a run that ends well."""
    outcome = run(*arguments)
    assert outcome.code == 0, outcome.lines
    return outcome.lines


def recorded(directory):
    return json.loads((directory / "config.json").read_text())["config"]


def test_a_curve_takes_the_data_set_of_the_checkpoint(pretrained, tmp_path):
    lines = done(
        "--mode=label_curve",
        "--curve_methods=knn",
        "--label_fractions=1",
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/curve",
    )
    assert f"dataset=digits, as in {pretrained}" in lines
    with open(tmp_path / "curve/report/label_curve.csv") as file:
        assert [row["labels"] for row in csv.DictReader(file)] == ["1437"]


@pytest.mark.parametrize("mode", ["train", "import"])
def test_other_modes_do_so_too(pretrained, tmp_path, mode):
    lines = done(
        f"--mode={mode}",
        *TINY_BUT_DATA,
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/run",
    )
    assert f"dataset=digits, as in {pretrained}" in lines
    assert recorded(tmp_path / "run")["dataset"] == "digits"


def test_a_student_takes_that_of_its_teacher(pretrained, tmp_path):
    lines = done(
        "--train_mode=distill",
        *TINY_BUT_DATA,
        f"--teacher={pretrained}",
        f"--model_dir={tmp_path}/run",
    )
    assert f"dataset=digits, as in {pretrained}" in lines


def test_a_plan_and_a_run_that_goes_on_need_not_be_told(pretrained):
    plan = run("--mode=plan", *TINY_BUT_DATA, f"--checkpoint={pretrained}")
    assert "digits train: 1437 images" in plan.output
    lines = done(*TINY_BUT_DATA, f"--model_dir={pretrained}")
    assert "this run is complete: step 6" in lines


def test_what_is_given_is_not_replaced(pretrained, tmp_path, photos):
    done(
        *SMALL, photos, f"--checkpoint={pretrained}", f"--model_dir={tmp_path}"
    )
    assert f"--dataset={recorded(tmp_path)['dataset']}" == photos


def test_digits_are_scored_on_their_test_split(tmp_path):
    lines = done(
        *TINY_BUT_DATA,
        "--mode=train_then_eval",
        "--dataset=digits",
        f"--model_dir={tmp_path}",
    )
    assert "eval_split=test, as 'digits' has no split 'validation'" in lines[:1]
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["eval_split"] == "test"


@pytest.mark.slow
def test_a_tenth_is_held_out_where_there_is_no_other_split(photos, tmp_path):
    """From the start; the same command, or training alone, goes on so."""
    arguments = (*SMALL, photos, f"--model_dir={tmp_path}")
    lines = done("--mode=train_then_eval", *arguments)
    assert "train_split=train[:90%], eval_split=train[90%:], as " in lines[0]
    assert any(
        f" train[:90%]: {NUM_IMAGES * 9 // 10} images" in x for x in lines
    )
    for mode in ("train_then_eval", "train", "eval"):
        assert "training split" not in " ".join(
            done(f"--mode={mode}", *arguments)
        )
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["eval_split"] == "train[90%:]"
    assert recorded(tmp_path)["train_split"] == "train[:90%]"


def test_probes_hold_a_tenth_out_of_what_was_seen_without_labels(
    photos, tmp_path
):
    done(*SMALL, photos, f"--model_dir={tmp_path}")
    done("--mode=eval", *FROZEN, f"--model_dir={tmp_path}")
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["eval_split"] == "train[90%:]"
    assert len(result["frozen"]["pretrained"]) == 1
    assert recorded(tmp_path)["train_split"] == "train"
    # The classifier has seen them all, with labels.
    outcome = run("--mode=eval", f"--model_dir={tmp_path}")
    assert outcome.code == 1
    assert outcome.lines[-1].startswith("simclr-tf: eval_split must be given")
    assert "--eval_protocol=frozen" in outcome.lines[-1]


@pytest.mark.parametrize("split", ["train", "train[:50%]"])
def test_nothing_is_held_out_of_a_split_that_was_asked_for(
    photos, tmp_path, split
):
    outcome = run(
        *SMALL,
        photos,
        "--mode=train_then_eval",
        f"--train_split={split}",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.lines[-1].startswith("simclr-tf: eval_split must be given")
    assert not (tmp_path / "run").exists()


def test_labels_that_were_seen_before_are_not_held_out(photos, tmp_path):
    done(
        *SMALL,
        photos,
        "--train_mode=finetune",
        "--from_scratch",
        f"--model_dir={tmp_path}/first",
    )
    outcome = run(
        *SMALL,
        "--mode=train_then_eval",
        "--train_mode=finetune",
        f"--checkpoint={tmp_path}/first",
        f"--model_dir={tmp_path}/second",
    )
    assert outcome.lines[-1].startswith("simclr-tf: eval_split must be given")
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("field", ["train_split", "eval_split"])
def test_an_unknown_split_is_named_by_its_flag(pretrained, tmp_path, field):
    outcome = run(
        "--mode=label_curve",
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/curve",
        f"--{field}=dev",
    )
    assert outcome.lines[-1] == (
        f"simclr-tf: {field} must be one of train, test for 'digits'; got 'dev'"
    )


def test_that_of_unlabelled_images_is_too(pretrained, tmp_path):
    outcome = run(
        "--train_mode=distill",
        *TINY,
        f"--teacher={pretrained}",
        "--unlabelled_dataset=digits",
        "--unlabelled_split=dev",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.lines[-1] == (
        "simclr-tf: unlabelled_dataset: unlabelled_split must be one of "
        "train, test for 'digits'; got 'dev'"
    )
