"""The text table: means, spreads, and paired differences."""

import numpy as np

from simclr_tf.evaluation import label_budgets
from simclr_tf.viz import table

OURS = (0.5, 0.7, 0.9)
THEIRS = (0.4, 0.4, 0.7)


def score(method, budget, *accuracies):
    return label_budgets.Score(method, budget, accuracies, {})


def cells(line):
    return [
        line[26 + table.CELL * i : 26 + table.CELL * (i + 1)].strip()
        for i in range(2)
    ]


def test_scores_and_differences():
    text = table.render(
        {
            "pretrained": [
                score("knn", "1", *OURS),
                score("linear", "all", 0.914),
            ],
            "raw pixels": [
                score("knn", "1", *THEIRS),
                score("linear", "all", 0.93),
            ],
        }
    )
    head, ours, theirs, gap = text.splitlines()
    assert cells(head) == ["knn 1", "linear all"]
    assert cells(ours) == ["70.0 ± 20.0", "91.4"]
    spread = 100 * np.std(THEIRS, ddof=1)
    assert cells(theirs) == [f"50.0 ± {spread:.1f}", "93.0"]
    assert gap.startswith("pretrained - raw pixels")
    gaps = np.subtract(OURS, THEIRS)
    error = 100 * gaps.std(ddof=1) / np.sqrt(3)
    assert cells(gap) == [f"+20.0 (se {error:.1f})", "-1.6"]


def test_one_row_has_no_difference():
    text = table.render({"pretrained": [score("knn", "5", 0.25, 0.75)]})
    assert len(text.splitlines()) == 2
