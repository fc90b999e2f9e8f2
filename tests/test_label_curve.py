"""The label-efficiency curve from the command line."""

import csv
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from command_line import TINY, run

from simclr_tf.evaluation import logistic, methods

ROOT = pathlib.Path(__file__).parent.parent
CURVE = (
    *TINY,
    "--mode=label_curve",
    "--optimizer=momentum",
    "--learning_rate=0.1",
    "--train_steps=2",
    "--label_fractions=0.02,0.1",
    "--num_seeds=2",
)
# What the classifier of fine-tuning reads is another layer than the
# checkpoint's own: frozen features do not care.
FROZEN = (
    "--curve_methods=linear,knn",
    "--label_fractions=0.01,0.1,1",
    "--knn_grid",
    "--train_mode=finetune",
    "--ft_proj_selector=-1",
)


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
def test_every_method_and_seed_and_again(pretrained, tmp_path):
    directory, fraction = tmp_path / "curve", "--label_fractions=0.1"
    outcome = draw(pretrained, directory, fraction)
    found = rows(directory)
    cells = {(r["method"], r["fraction"], r["seed"]) for r in found}
    methods = ("scratch", "linear", "finetune", "knn")
    assert cells == {(m, "0.1", seed) for m in methods for seed in "01"}
    assert {r["labels"] for r in found} == {"142"}
    for seed in (0, 1):  # the same images for every method
        one, other = (
            (directory / f"{method}/10pct/seed_{seed}/labels.txt").read_text()
            for method in ("scratch", "finetune")
        )
        assert one == other
    for mean in rows(directory, "label_curve_summary"):
        values = [
            float(r["accuracy"]) for r in found if r["method"] == mean["method"]
        ]
        assert float(mean["mean"]) == pytest.approx(np.mean(values))
    assert os.path.getsize(directory / "report/label_curve.png") > 10_000
    heads = [line[:20].strip() for line in outcome.output.splitlines()]
    assert heads[-4:] == ["fine-tuned", "linear probe", "kNN", "from scratch"]

    # As if it had been killed in the middle of one training.
    killed = directory / "scratch/10pct/seed_1"
    for path in (*killed.glob("ckpt-4*"), *killed.glob("result*.json")):
        path.unlink()
    shutil.rmtree(directory / "report")
    again = draw(pretrained, directory, fraction)
    assert rows(directory) == found
    assert sum("run is complete" in line for line in again.lines) == 3
    assert sum("resumed at step 3" in line for line in again.lines) == 1
    assert sum("exported to" in line for line in again.lines) == 1


def remembering(kind, fitted, monkeypatch):
    """Every fit of a method leaves its setting and what it learnt."""
    original = kind.fit

    def fit(self, train, **setting):
        found = original(self, train, **setting)
        learnt = getattr(found, "weights", train.values).tobytes()
        fitted.append((self.name, setting, len(train.labels), learnt))
        return found

    monkeypatch.setattr(kind, "fit", fit)


def test_permuted_test_labels_change_no_choice(
    frozen_curve, pretrained, tmp_path, monkeypatch, permute_test_labels
):
    directory, ours, _ = frozen_curve
    permute_test_labels()
    theirs = []
    for kind in (methods.Linear, methods.Neighbors):
        remembering(kind, theirs, monkeypatch)
    draw(pretrained, tmp_path / "permuted", *FROZEN)
    assert ours == theirs
    assert [fit[0] for fit in ours] == ["linear"] * 5 + ["knn"] * 5
    assert rows(directory) != rows(tmp_path / "permuted")


@pytest.fixture(scope="module")
def frozen_curve(pretrained, tmp_path_factory):
    """Directory, fits and log of a curve of frozen features."""
    directory, fitted = tmp_path_factory.mktemp("curves") / "frozen", []
    with pytest.MonkeyPatch.context() as patch:
        for kind in (methods.Linear, methods.Neighbors):
            remembering(kind, fitted, patch)
        lines = draw(pretrained, directory, *FROZEN).lines
    return directory, fitted, lines


def test_no_label_outside_the_draw_is_seen(frozen_curve):
    """Nor is there anything to choose by where each class has one label."""
    _, fitted, lines = frozen_curve
    sizes = [size for name, _, size, _ in fitted if name == "linear"]
    assert sizes == [10, 10, 142, 142, 1437]
    middle = logistic.PENALTIES[len(logistic.PENALTIES) // 2]
    for _, setting, size, _ in fitted[:2]:
        assert (setting["l2"], size) == (middle, 10)
    assert any("linear, 10% of the labels, seed 1: l2" in x for x in lines)


def test_all_labels_are_one_draw(frozen_curve):
    """With no interval: the same fit again is no second measurement."""
    summary = rows(frozen_curve[0], "label_curve_summary")
    seen = {(r["method"], r["fraction"]): r for r in summary}
    for method in ("linear", "knn"):
        whole, part = seen[method, "1.0"], seen[method, "0.1"]
        assert (whole["seeds"], whole["half_width"]) == ("1", "")
        assert part["seeds"] == "2"
        assert float(part["half_width"]) >= 0


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("--eval_split=train", "has eval_split='test', asked for"),
        ("--learning_rate=0.3", "has learning_rate=0.1, asked for"),
        ("--checkpoint={pretrained}/ckpt-3", "has checkpoint='weights "),
        ("--noknn_grid", "has knn_grid=True, asked for"),
    ],
)
def test_the_numbers_of_another_curve_are_not_mixed_in(
    frozen_curve, pretrained, argument, named
):
    directory, *_ = frozen_curve
    before = rows(directory)
    outcome = run(
        *CURVE,
        f"--checkpoint={pretrained}",
        f"--model_dir={directory}",
        *FROZEN,
        argument.format(pretrained=pretrained),
    )
    assert outcome.code == 1
    assert "model_dir must hold no other curve; " in outcome.lines[-1]
    assert named in outcome.lines[-1]
    assert rows(directory) == before


def test_the_same_curve_goes_on_with_other_methods_and_fractions(
    frozen_curve, pretrained
):
    directory, *_ = frozen_curve
    before = rows(directory)
    draw(
        pretrained, directory, *FROZEN, "--label_fractions=0.05",
        "--curve_methods=knn", "--num_seeds=1", "--eval_batch_size=64",
    )  # fmt: skip
    (row,) = rows(directory)
    assert (row["method"], row["fraction"], row["labels"]) == (
        "knn", "0.05", "70"
    )  # fmt: skip
    draw(pretrained, directory, *FROZEN)
    assert rows(directory) == before


def test_images_that_were_trained_on_are_told(pretrained, tmp_path):
    outcome = draw(
        pretrained, tmp_path / "curve", "--curve_methods=knn",
        "--train_split=test", "--label_fractions=1", "--num_seeds=1",
    )  # fmt: skip
    assert any("is the training split" in line for line in outcome.lines)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--label_fractions=0.001,0.1"],
            "label_fraction must leave every class a label; class '0' of 142 "
            "images gets 0 by 0.001",
        ),
        (
            ["--model_dir={pretrained}"],
            "model_dir must hold no run, as a curve is made of many; got "
            "'{pretrained}'",
        ),
        (
            ["--train_mode=finetune", "--from_scratch"],
            "from_scratch must be False for mode=label_curve, which has a "
            "method scratch; got True",
        ),
        (
            ["--train_mode=finetune", "--label_fraction=0.1"],
            "label_fraction must be 0.0 for mode=label_curve, which has "
            "label_fractions; got 0.1",
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


@pytest.mark.slow
def test_one_cpu_is_divided_among_the_replicas_of_a_curve(pretrained, tmp_path):
    """Before the checkpoint's network is made: then it could not be.

    That a curve fine-tunes need not be said.
    """
    arguments = (
        *CURVE,
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/curve",
        "--num_replicas=2",
        "--fine_tune_after_block=4",
        "--num_seeds=1",
        "--label_fractions=0.1",
        "--curve_methods=knn,finetune",
    )
    done = subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "64 images on 2 replicas" in done.stderr
    assert len(rows(tmp_path / "curve")) == 2
