"""`--mode=compare`, through the command line on predictions made up."""

import json
import os

import numpy as np
import pytest
from command_line import run

from simclr_tf.evaluation import predictions

NUM_EXAMPLES = 40
LABELS = np.arange(NUM_EXAMPLES) % 4


def write(path, num_wrong, *, first=0, labels=LABELS, order=None, prefix="x"):
    """Predictions with errors on `num_wrong` examples, from `first` on."""
    predicted = labels.copy()
    wrong = slice(first, first + num_wrong)
    predicted[wrong] = (predicted[wrong] + 1) % 4
    order = np.arange(len(labels)) if order is None else order
    names = np.array([f"{prefix}{i}" for i in range(len(labels))])
    path.parent.mkdir(parents=True, exist_ok=True)
    logits = np.eye(4)[predicted]
    predictions.save(
        str(path),
        predictions.from_logits(
            logits[order], labels[order], examples=names[order]
        ),
    )


def compare(ours, theirs):
    outcome = run(
        "--mode=compare", f"--model_dir={ours}", f"--compare_with={theirs}"
    )
    return outcome


def report(directory, name):
    with open(directory / "report" / name) as file:
        return json.load(file)


def test_one_run_is_better(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    write(a / "predictions_3.npz", 40)  # older: 9 < 10, "9" > "10"
    write(a / "predictions_9.npz", 40)
    write(a / "predictions_10.npz", 2)
    backwards = np.arange(NUM_EXAMPLES)[::-1]
    write(b / "predictions_7.npz", 10, first=1, order=backwards)
    outcome = compare(a, b)
    assert outcome.code == 0, outcome.lines
    # Wrong: 0, 1 in a and 1 to 10 in b, so 0 and 2 to 10 in one alone.
    first = f"{a} is better than {b} by 20.00 points, p = 0.021"
    assert outcome.output.splitlines()[0] == first
    found = report(a, "compare_b.json")
    assert found["difference"] == pytest.approx(0.2)
    assert found["p_value"] == pytest.approx(2 * (1 + 10) / 2**10)
    assert (found["num_ours"], found["num_theirs"]) == (9, 1)
    assert (found["method"], found["num_examples"]) == ("exact", 40)
    assert found["ours"]["files"] == [str(a / "predictions_10.npz")]
    assert found["ours"]["top_1"] == [0.95]
    assert found["over_seeds"] is None
    assert f"{b} cannot" not in outcome.output


def test_swapped_runs_agree_and_a_file_will_do(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    write(a / "predictions_1.npz", 2)
    write(b / "predictions_1.npz", 4, first=1)
    there = compare(a, b).output.splitlines()
    back = compare(b / "predictions_1.npz", a / "predictions_1.npz")
    first = f"{a} and {b} cannot be told apart: 5.00 points between them"
    assert there[0].startswith(first)
    found = report(b, "compare_predictions_1.json")
    assert found["difference"] == pytest.approx(-0.05)
    assert found["p_value"] == report(a, "compare_b.json")["p_value"]
    assert back.output.splitlines()[1].startswith("  top-1       90.00%")


def test_earlier_comparisons_are_kept(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    write(a / "predictions_1.npz", 2)
    write(b / "predictions_1.npz", 4)
    for _ in range(2):
        outcome = compare(a, b)
    assert os.listdir(a / "report") == ["compare_b.json"]
    before = (a / "report/compare_b.json").read_bytes()
    write(b / "predictions_2.npz", 5)
    outcome = compare(a, b)
    assert outcome.lines == [f"written to {a}/report/compare_b_2.json"]
    assert (a / "report/compare_b.json").read_bytes() == before
    theirs = report(a, "compare_b_2.json")["theirs"]
    assert theirs["files"] == [str(b / "predictions_2.npz")]


def test_seeds_are_averaged_per_example_and_set_apart(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for seed, (ours, theirs) in enumerate([(2, 6), (4, 8), (3, 9)]):
        write(a / f"seed_{seed}" / "predictions_5.npz", ours)
        write(b / f"seed_{seed}" / "predictions_5.npz", theirs)
    outcome = compare(a, b)
    assert outcome.code == 0, outcome.lines
    found = report(a, "compare_b.json")
    assert found["method"] == "monte carlo"
    assert found["ours"]["seeds"] == [0, 1, 2]
    assert found["difference"] == pytest.approx((4 + 4 + 6) / 3 / 40)
    apart = found["over_seeds"]
    assert apart["paired"]
    # 4.303 is the quantile of Student's t with 2 degrees of freedom.
    gaps = np.array([4, 4, 6]) / 40
    expected = 4.303 * gaps.std(ddof=1) / np.sqrt(3)
    assert apart["half_width"] == pytest.approx(expected, rel=1e-3)
    assert "3 and 3 seeds, paired by seed" in outcome.output
    assert "other seeds" not in outcome.output
    single = compare(a, b / "seed_0")
    assert "over seeds" not in single.output
    assert "mean of 3 seeds" in single.output


def test_other_seeds_are_not_paired(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    for seed, wrong in enumerate([0, 20]):
        write(a / f"seed_{seed}" / "predictions_5.npz", wrong)
        write(b / f"seed_{seed + 1}" / "predictions_5.npz", wrong + 8)
    outcome = compare(a, b)
    assert outcome.output.splitlines()[0].startswith(f"{a} is better than {b}")
    expected = "seeds not paired: other seeds might turn it"
    assert outcome.output.splitlines()[-1].endswith(expected)


@pytest.mark.parametrize("is_copy", [False, True])
def test_a_run_beside_itself_is_warned_of(tmp_path, is_copy):
    a = tmp_path / "a"
    write(a / "predictions_1.npz", 2)
    other = tmp_path / "b" if is_copy else a
    write(other / "predictions_1.npz", 2)
    outcome = compare(a, other)
    assert outcome.code == 0
    words = "get the same examples right" if is_copy else "are the same run"
    assert any(words in line for line in outcome.lines), outcome.lines
    assert "p = 1" in outcome.output


def damage(path):
    path.parent.mkdir()
    path.write_bytes(b"PK")


BAD = {
    "nothing there": (
        lambda path: None,
        "compare_with must hold predictions (predictions_<step>.npz, written "
        "by mode=eval); '{b}' holds none",
    ),
    "a seed without any": (
        lambda path: (
            write(path.parent / "seed_0/predictions_1.npz", 1),
            (path.parent / "seed_1").mkdir(),
        ),
        "compare_with must hold predictions (predictions_<step>.npz, written "
        "by mode=eval); '{b}/seed_1' holds none",
    ),
    "other examples": (
        lambda path: write(path, 1, prefix="y"),
        "predictions to compare must be of the same examples; got 40 and 40, "
        "80 in one alone (x0, x1, x10)",
    ),
    "other labels": (
        lambda path: write(path, 1, labels=LABELS[::-1]),
        "predictions to compare must be of the same labels; 40 examples have "
        "others (x0, x1, x2)",
    ),
    "a damaged file": (
        damage,
        "predictions must be read from a file of predictions; "
        "'{b}/predictions_1.npz' is none (BadZipFile)",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_line_for_bad_input(tmp_path, name):
    make, expected = BAD[name]
    a, b = tmp_path / "a", tmp_path / "b"
    write(a / "predictions_1.npz", 2)
    make(b / "predictions_1.npz")
    outcome = compare(a, b)
    assert outcome.code == 1
    assert outcome.lines == ["simclr-tf: " + expected.format(b=b)]
    assert os.listdir(a) == ["predictions_1.npz"]


def test_one_example_is_not_enough(tmp_path):
    a = tmp_path / "a"
    write(a / "predictions_1.npz", 0, labels=LABELS[:1])
    (line,) = compare(a, a).lines
    assert "of two examples or more; " in line
