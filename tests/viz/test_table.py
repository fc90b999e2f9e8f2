"""The text table: means, spreads, and paired differences."""

import numpy as np

from simclr_tf.evaluation import label_budgets
from simclr_tf.viz import table

OURS = (0.5, 0.7, 0.9)
THEIRS = (0.4, 0.4, 0.7)


def score(method, budget, *accuracies):
    return label_budgets.Score(method, budget, accuracies, {})


def cells(line, count):
    start = len(line) - count * table.CELL
    parts = [line[start + table.CELL * i :][: table.CELL] for i in range(count)]
    return [part.strip() for part in parts]


def test_scores_and_differences():
    text = table.render(
        {
            "pretrained": [
                score("knn", "1", *OURS),
                score("linear", "1", *OURS),
                score("knn", "all", 0.914),
                score("linear", "all", 0.5),
            ],
            "raw pixels": [
                score("knn", "1", *THEIRS),
                score("linear", "1", *OURS),
                score("knn", "all", 0.93),
                score("linear", "all", 0.5),
            ],
        }
    )
    title, head, ours, theirs, gap, *linear = text.splitlines()
    assert title.startswith("accuracy % of classifiers")
    assert head.startswith("kNN, labels:")
    assert cells(head, 2) == ["1", "all"]
    assert cells(ours, 2) == ["70.0 ± 20.0", "91.4"]
    spread = 100 * np.std(THEIRS, ddof=1)
    assert cells(theirs, 2) == [f"50.0 ± {spread:.1f}", "93.0"]
    assert gap.startswith("  pretrained - raw pixels")
    gaps = np.subtract(OURS, THEIRS)
    error = 100 * gaps.std(ddof=1) / np.sqrt(3)
    assert cells(gap, 2) == [f"+20.0 (se {error:.1f})", "-1.6"]
    assert linear[0].startswith("linear probe, labels:")
    assert cells(linear[3], 2) == ["+0.0 (se 0.0)", "+0.0"]


def test_one_row_has_no_difference():
    text = table.render({"pretrained": [score("knn", "5", 0.25, 0.75)]})
    assert len(text.splitlines()) == 3
