"""Scores as a text table."""

import numpy as np

from simclr_tf.evaluation import label_budgets

CELL = 20
"""Columns of a cell: "least_squares 10%" and some."""


def render(rows):
    """Accuracy in percent, mean and standard deviation over label draws.

    Below the scores stands, for each baseline, the paired difference of the
    first row with its standard error.

    Args:
        rows: dict of row name -> list of `label_budgets.Score`, all over the
            same budgets and draws.

    Returns:
        Lines joined by newlines.
    """
    first, *baselines = rows
    heads = [f"{s.method} {s.budget}" for s in rows[first]]
    lines = [_line("accuracy %, labels:", heads)]
    lines += [
        _line(name, [_score(s) for s in scores])
        for name, scores in rows.items()
    ]
    for name in baselines:
        pairs = zip(rows[first], rows[name], strict=True)
        gaps = [label_budgets.paired_difference(a, b) for a, b in pairs]
        lines.append(_line(f"{first} - {name}", [_gap(gap) for gap in gaps]))
    return "\n".join(lines)


def _line(name, cells):
    return f"{name:<26}" + "".join(f"{cell:>{CELL}}" for cell in cells)


def _score(score):
    mean = 100 * np.mean(score.accuracies)
    if len(score.accuracies) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {100 * score.deviation:.1f}"


def _gap(gap):
    if np.isnan(gap.standard_error):
        return f"{100 * gap.mean:+.1f}"
    return f"{100 * gap.mean:+.1f} (se {100 * gap.standard_error:.1f})"
