"""Whole runs through the command line, on the embedded digits."""

import glob
import json
import os
import re
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from command_line import (
    RUN,
    TINY,
    assert_same_values,
    metric_lines,
    run,
    values,
)
from tensorboard.backend.event_processing import event_accumulator

from simclr_tf.checkpoints import checkpoint
from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.methods import training_run
from simclr_tf.setup import networks

LAST = 6
RESULT_KEYS = {
    "eval/mean_per_class_accuracy",  # beside the official ones
    "dataset",
    "eval_split",
    "eval/label_top_1_accuracy",
    "eval/label_top_5_accuracy",
    "eval/regularization_loss",
    "global_step",
}
OFFICIAL_TAGS = (
    "contrast_loss",
    "contrast_acc",
    "contrast_entropy",
    "supervised_loss",
    "supervised_acc",
    "weight_decay",
    "total_loss",
)
SAME_FEATURES = 1e-5
"""float32 features near 1, through another graph."""
REPLICAS = 1e-3
"""Three small steps of float32 sums in another order; the loss is near 20.

At the full rate these differences grow tenfold with every step.
"""
UNTRAINED_AT_FIVE_LABELS = 0.3
"""With zero gammas it knew 0.17, hardly more than chance."""
PIXELS_AT_FIVE_LABELS = 0.7
"""Raw digits give about 0.84 with five labels of each class."""
ONE_HIT = 1 / 360
"""One test image, should a tie fall otherwise."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(model_dir, outcome) of one complete run."""
    directory = str(tmp_path_factory.mktemp("finished") / "run")
    outcome = run(
        *TINY,
        "--mode=train_then_eval",
        "--knn_every_epochs=1",
        f"--model_dir={directory}",
        traced=True,
    )
    assert outcome.code == 0, outcome.lines
    return directory, outcome


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the complete run, to be changed."""
    return shutil.copytree(finished[0], tmp_path / "copy").as_posix()


def test_tensorboard_shows_the_official_tags(finished):
    events = event_accumulator.EventAccumulator(finished[0])
    events.Reload()
    tags = set(events.Tags()["tensors"])
    expected = {f"train/{name}" for name in OFFICIAL_TAGS}
    expected |= {"learning_rate", "image", "eval/label_top_1_accuracy"}
    assert expected <= tags


def test_a_run_leaves_its_records(finished):
    directory = finished[0]
    names = set(os.listdir(directory))
    assert {"config.json", "metrics.jsonl", "result.json"} <= names
    for step in (3, LAST):
        assert f"ckpt-{step}.meta.json" in names
        assert f"ckpt-{step}.index" in names
    assert glob.glob(f"{directory}/events.out.tfevents*")
    assert os.listdir(f"{directory}/saved_model") == [str(LAST)]
    with open(f"{directory}/result.json") as file:
        result = json.load(file)
    assert result.keys() == RESULT_KEYS
    assert result["global_step"] == LAST
    with open(f"{directory}/result_{LAST}.json") as file:
        assert json.load(file) == result


def test_the_metrics_hold_official_tags_and_knn(finished):
    rows = metric_lines(finished[0])
    first, last = (row for row in rows if "learning_rate" in row)
    assert (first["step"], last["step"]) == (1, LAST)
    assert {
        "train/contrast_loss",
        "train/contrast_acc",
        "train/contrast_entropy",
        "train/supervised_loss",
        "train/supervised_acc",
        "train/weight_decay",
        "train/total_loss",
        "learning_rate",
    } <= first.keys()
    (knn,) = (row for row in rows if "knn/held_out_accuracy" in row)
    assert knn["step"] == LAST
    assert 0 < knn["knn/held_out_accuracy"] <= 1


def test_the_log_tells_the_run_from_the_first_step(finished):
    text = "\n".join(finished[1].lines)
    assert "digits train: 1437 images, 10 classes" in text
    assert "step 1/6  loss " in text
    assert "(chance 9.688)" in text
    assert "images/s  ETA" in text
    assert "kNN on held-out images" in text
    assert "exported to" in text


def test_the_log_ends_with_what_was_learned(finished):
    (line,) = (line for line in finished[1].lines if "learned: " in line)
    assert re.search(r"loss [\d.]+ \(chance 9.688\)", line)
    assert re.search(r"contrast_acc [\d.]+% \(chance 1.56%\)", line)
    assert re.search(r"kNN on held-out images [\d.]+%", line)
    assert re.search(r"effective rank [\d.]+$", line)


def test_a_run_at_chance_is_warned_of_early_and_at_its_end(tmp_path):
    # At this temperature all similarities are alike.
    outcome = run(
        *TINY,
        "--train_steps=12",
        "--checkpoint_steps=12",
        "--steps_per_loop=1",
        "--train_batch_size=8",
        "--temperature=1e6",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 0, outcome.lines
    early, late = (x for x in outcome.lines if "nothing is being learned" in x)
    assert "after 10 steps the loss, 5.416, is not below chance" in early
    assert "at the end of training the loss, 5.416" in late


def test_running_again_changes_nothing(copied):
    before = values(copied, LAST)
    metrics = metric_lines(copied)
    again = run(*TINY, f"--model_dir={copied}")
    assert again.code == 0
    assert "this run is complete: step 6" in again.lines
    assert metric_lines(copied) == metrics
    assert_same_values(values(copied, LAST), before)


@pytest.mark.slow
def test_an_interrupted_run_ends_like_one_that_was_not(
    finished, tmp_path, monkeypatch
):
    directory = f"--model_dir={tmp_path}/run"
    make_report = training_run.make_report

    def make_interrupting(*arguments):
        report = make_report(*arguments)

        def interrupt(step, *rest):
            report(step, *rest)
            if step == 2:
                os.kill(os.getpid(), signal.SIGTERM)

        return interrupt

    with monkeypatch.context() as patch:
        patch.setattr(training_run, "make_report", make_interrupting)
        stopped = run(*TINY, directory, "--steps_per_loop=1", traced=True)
    assert stopped.code == 128 + signal.SIGTERM
    assert (
        "stopped and saved at step 2; the same command goes on" in stopped.lines
    )
    assert checkpoint.committed_steps(f"{tmp_path}/run") == [2]
    resumed = run(*TINY, directory, traced=True)
    assert resumed.code == 0, resumed.lines
    assert any(
        line.startswith("resumed at step 2: ") and " 0 missing" in line
        for line in resumed.lines
    )
    assert_same_values(
        values(f"{tmp_path}/run", LAST), values(finished[0], LAST)
    )


@pytest.mark.slow
def test_eval_needs_the_directory_alone(copied):
    with open(f"{copied}/result.json") as file:
        expected = json.load(file)
    os.remove(f"{copied}/result.json")
    outcome = run("--mode=eval", f"--model_dir={copied}")
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        assert json.load(file) == expected


@pytest.mark.slow
def test_eval_of_one_checkpoint_in_odd_batches(copied):
    # It recalls the run from where it lies now, not where it was made.
    outcome = run(
        "--mode=eval",
        f"--checkpoint={copied}/ckpt-{LAST}",
        "--eval_batch_size=77",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        first = json.load(file)
    run("--mode=eval", f"--checkpoint={copied}/ckpt-3")
    with open(f"{copied}/result_3.json") as file:
        assert json.load(file)["global_step"] == 3
    with open(f"{copied}/result_{LAST}.json") as file:
        second = json.load(file)
    assert first == pytest.approx(second, abs=ONE_HIT)


@pytest.mark.slow
def test_eval_of_a_few_batches(copied):
    outcome = run(
        "--mode=eval",
        f"--model_dir={copied}",
        "--eval_batch_size=50",
        "--eval_steps=1",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        accuracy = json.load(file)["eval/label_top_5_accuracy"]
    assert accuracy * 50 == pytest.approx(round(accuracy * 50))


def test_the_frozen_protocol_prints_a_table(copied):
    outcome = run(
        "--mode=eval",
        f"--model_dir={copied}",
        "--eval_protocol=frozen",
        "--eval_label_budgets=1,5",
        "--eval_label_draws=2",
        "--probe_l2=0.01",
        "--eval_baselines=random,pixels",
    )
    assert outcome.code == 0, outcome.lines
    names = ["pretrained", "random init", "raw pixels"]
    title, *table = outcome.output.splitlines()
    assert title.startswith("accuracy % of classifiers that are fitted on")
    heads = [line[:28].strip() for line in table]
    gaps = [f"pretrained - {name}" for name in names[1:]]
    assert heads[1:6] == heads[7:12] == names + gaps
    assert "random init: an untrained network, every batch-norm gamma 1" in (
        outcome.output
    )
    assert (heads[0], heads[6]) == (
        "kNN, labels:",
        "linear probe, labels:",
    )
    with open(f"{copied}/result.json") as file:
        result = json.load(file)
    assert list(result["frozen"]) == names
    for scores in result["frozen"].values():
        pairs = [(score["method"], score["budget"]) for score in scores]
        assert pairs == [
            ("knn", "1"), ("linear", "1"), ("knn", "5"), ("linear", "5"),
        ]  # fmt: skip
        assert all(len(score["accuracies"]) == 2 for score in scores)
    untrained = result["frozen"]["random init"][3]["accuracies"]
    assert min(untrained) > UNTRAINED_AT_FIVE_LABELS
    pixels = result["frozen"]["raw pixels"][3]["accuracies"]
    assert min(pixels) > PIXELS_AT_FIVE_LABELS
    names = {f"classifiers_{LAST}.npz", "knn.png", "linear.png"}
    assert names <= set(os.listdir(f"{copied}/report"))


def test_export_gives_the_features_of_the_run(finished, tmp_path):
    directory = finished[0]
    outcome = run(
        "--mode=export",
        f"--model_dir={directory}",
        f"--export_dir={tmp_path}/encoder",
    )
    assert outcome.code == 0, outcome.lines
    images = digits.open_digits("test").images[:5].astype(np.float32) / 255
    config = Config(
        model_dir=directory, resnet_depth=10, width_multiplier=0.125,
        proj_out_dim=8, image_size=8,
    )  # fmt: skip
    model = networks.make_model(config, num_classes=10, sync_bn=False)
    found = values(directory, LAST)
    for variable in model.variables:
        key = f"model/{variable.path}/.ATTRIBUTES/VARIABLE_VALUE"
        variable.assign(found[key])
    expected = model(images, training=False).features
    for path in (f"{tmp_path}/encoder", f"{directory}/saved_model/{LAST}"):
        features = tf.saved_model.load(path)(images)
        np.testing.assert_allclose(features, expected, atol=SAME_FEATURES)


@pytest.mark.slow
def test_a_warm_start_takes_weights_and_architecture_alone(finished, tmp_path):
    # At learning rate 0 the weights stay those of the checkpoint.
    warm = f"{finished[0]}/ckpt-{LAST}"
    directory = f"{tmp_path}/warm"
    outcome = run(
        *RUN,
        "--train_steps=1",
        "--learning_rate=0",
        f"--checkpoint={warm}",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    assert any(line.startswith("weights from") for line in outcome.lines)
    ours, theirs = values(directory, 1), values(finished[0], LAST)
    kernels = [k for k in ours if k.startswith("model/") and "kernel" in k]
    assert len(kernels) > 10
    for key in kernels:
        is_same = np.array_equal(ours[key], theirs[key])
        assert is_same == ("supervised_head" not in key), key
    exported = run("--mode=export", f"--model_dir={directory}")
    assert exported.lines[-1] == f"exported to {directory}/saved_model/1"
    line = f"weights from {directory}/ckpt-1 (checkpoint of simclr_tf, step 1"
    assert exported.lines[0].startswith(line)
    assert ": 81 matched, 0 missing, 0 unexpected" in exported.lines[0]


@pytest.mark.slow
def test_two_replicas_equal_one(tmp_path):
    flags = (*TINY, "--train_steps=3", "--learning_rate=0.01")
    for replicas in (1, 2):
        outcome = run(
            *flags,
            f"--model_dir={tmp_path}/{replicas}",
            f"--num_replicas={replicas}",
        )
        assert outcome.code == 0, outcome.lines
    assert any("on 2 replicas" in line for line in outcome.lines)
    one, two = (
        [dict(row, images_per_sec=0) for row in metric_lines(path)]
        for path in (f"{tmp_path}/1", f"{tmp_path}/2")
    )
    for ours, theirs in zip(two, one, strict=True):
        assert ours == pytest.approx(theirs, abs=REPLICAS)
    ours, theirs = values(f"{tmp_path}/2", 3), values(f"{tmp_path}/1", 3)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_allclose(
            value, theirs[key], atol=REPLICAS, err_msg=key
        )
