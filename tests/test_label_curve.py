"""The label-efficiency curve from the command line."""

import csv
import dataclasses
import os

import numpy as np
import pytest
from command_line import TINY, run

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.tasks import label_curve, model_dir

CURVE = (
    *TINY,
    "--mode=label_curve",
    "--optimizer=momentum",
    "--learning_rate=0.1",
    "--train_steps=2",
    "--label_fractions=0.02,0.1",
    "--num_seeds=2",
)
FROZEN = "--curve_methods=linear,knn"


def draw(pretrained, directory, *arguments):
    outcome = run(
        *CURVE,
        f"--checkpoint={pretrained}",
        f"--model_dir={directory}",
        *arguments,
    )
    assert outcome.code == 0, outcome.lines
    return outcome


def rows(directory, name="label_curve"):
    with open(f"{directory}/report/{name}.csv") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_every_method_fraction_and_seed_and_again(pretrained, tmp_path):
    outcome = draw(pretrained, tmp_path / "curve")
    found = rows(tmp_path / "curve")
    cells = {(r["method"], r["fraction"], r["seed"]) for r in found}
    methods = ("scratch", "linear", "finetune", "knn")
    assert cells == {
        (method, fraction, seed)
        for method in methods
        for fraction in ("0.02", "0.1")
        for seed in ("0", "1")
    }
    labels = {r["labels"] for r in found if r["fraction"] == "0.1"}
    assert labels == {"142"}  # the same images for every method
    one, other = (
        (tmp_path / f"curve/{method}/10pct/seed_1/labels.txt").read_text()
        for method in ("scratch", "finetune")
    )
    assert one == other
    summary = rows(tmp_path / "curve", "label_curve_summary")
    values = [
        float(r["accuracy"])
        for r in found
        if (r["method"], r["fraction"]) == ("knn", "0.1")
    ]
    (cell,) = [
        r for r in summary if (r["method"], r["fraction"]) == ("knn", "0.1")
    ]
    assert float(cell["mean"]) == pytest.approx(np.mean(values))
    assert os.path.getsize(tmp_path / "curve/report/label_curve.png") > 10_000
    heads = [line[:20].strip() for line in outcome.output.splitlines()]
    assert heads[-4:] == ["fine-tuned", "linear probe", "kNN", "from scratch"]

    again = draw(pretrained, tmp_path / "curve")
    assert rows(tmp_path / "curve") == found
    complete = [line for line in again.lines if "run is complete" in line]
    assert len(complete) == 8
    assert not any("exported to" in line for line in again.lines)


def test_permuted_test_labels_change_no_choice(
    pretrained, tmp_path, monkeypatch
):
    fitted = []
    honest = digits.open_digits

    def permuted(split):
        source = honest(split)
        if split != "test":
            return source
        labels = np.random.default_rng(0).permutation(source.labels)
        return dataclasses.replace(source, labels=labels)

    from simclr_tf.evaluation import methods

    original = methods.Linear.fit

    def remember(self, train, **setting):
        found = original(self, train, **setting)
        fitted.append((setting, found.weights.tobytes()))
        return found

    monkeypatch.setattr(methods.Linear, "fit", remember)
    draw(pretrained, tmp_path / "honest", FROZEN)
    ours, fitted = fitted, []
    monkeypatch.setattr(digits, "open_digits", permuted)
    draw(pretrained, tmp_path / "permuted", FROZEN)
    assert len(ours) == 4
    assert ours == fitted
    assert rows(tmp_path / "honest") != rows(tmp_path / "permuted")


def test_the_epochs_of_the_baseline_count_whatever_the_steps_are():
    config = Config(
        mode="label_curve",
        checkpoint="pre",
        model_dir="curve",
        train_steps=10,
    )
    assert label_curve.scratch_changes(config)["train_steps"] == 20
    config = config.replace(scratch_train_epochs=7)
    changes = label_curve.scratch_changes(config)
    assert (changes["train_epochs"], changes["train_steps"]) == (7, 0)


@pytest.mark.parametrize(
    ("argument", "start"),
    [
        ("--eval_split=train[:100]", "eval_split must be 'test', as in "),
        ("--checkpoint={pretrained}/ckpt-3", "checkpoint must be "),
    ],
)
def test_runs_of_another_curve_are_not_taken_for_its_own(
    pretrained, tmp_path, argument, start
):
    config = Config(
        mode="label_curve",
        checkpoint=pretrained,
        model_dir=f"{tmp_path}/curve",
        dataset="digits",
        eval_split="test",
    )
    of_run = label_curve.of_run(config, "finetune", 0.1, 1)
    model_dir.open_run(of_run, {})
    outcome = run(
        *CURVE,
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/curve",
        argument.format(pretrained=pretrained),
    )
    assert outcome.code == 1
    assert outcome.lines[-1].startswith(f"simclr-tf: {start}")
    assert os.listdir(tmp_path / "curve") == ["finetune"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--label_fractions=0.001,0.1"],
            "label_fraction must leave every class a label; class '0' of 142 "
            "images gets 0",
        ),
        (
            ["--model_dir={pretrained}"],
            "model_dir must hold no run, as a curve is made of many; got "
            "'{pretrained}'",
        ),
    ],
)
def test_mistakes_are_one_line(pretrained, tmp_path, arguments, line):
    outcome = run(
        *CURVE,
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/curve",
        *(argument.format(pretrained=pretrained) for argument in arguments),
    )
    assert outcome.code == 1
    expected = line.format(pretrained=pretrained)
    assert outcome.lines[-1] == f"simclr-tf: {expected}"
    assert not (tmp_path / "curve").exists()
