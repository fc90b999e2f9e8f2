"""Scores as a text table."""

import numpy as np

from simclr_tf.evaluation import label_budgets

NAMES = {
    "knn": "kNN",
    "linear": "linear probe",
    "least_squares": "least squares",
}
"""What the table calls each method."""
CELL = 16
"""Columns of a cell."""


def render(rows):
    """Accuracy in percent, mean and standard deviation over label draws.

    Every method has a block, a column for each label budget. Below its
    scores stands, for each baseline, the paired difference of the first row
    with its standard error.

    Args:
        rows: dict of row name -> list of `label_budgets.Score`, all over the
            same methods, budgets and draws.

    Returns:
        Lines joined by newlines.
    """
    first = next(iter(rows.values()))
    methods = dict.fromkeys(score.method for score in first)
    blocks = [_block(method, rows) for method in methods]
    title = "accuracy % of classifiers that are fitted on frozen features:"
    return "\n".join([title, *(line for block in blocks for line in block)])


def _block(method, rows):
    cells = {
        name: [score for score in scores if score.method == method]
        for name, scores in rows.items()
    }
    first, *baselines = cells
    lines = [
        _line(f"{NAMES[method]}, labels:", [s.budget for s in cells[first]])
    ]
    lines += [
        _line(f"  {name}", [_score(score) for score in scores])
        for name, scores in cells.items()
    ]
    for name in baselines:
        pairs = zip(cells[first], cells[name], strict=True)
        gaps = [label_budgets.paired_difference(a, b) for a, b in pairs]
        lines.append(_line(f"  {first} - {name}", [_gap(gap) for gap in gaps]))
    return lines


def _line(name, cells):
    return f"{name:<28}" + "".join(f"{cell:>{CELL}}" for cell in cells)


def _score(score):
    mean = 100 * np.mean(score.accuracies)
    if len(score.accuracies) == 1:
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {100 * score.deviation:.1f}"


def _gap(gap):
    if np.isnan(gap.standard_error):
        return f"{100 * gap.mean:+.1f}"
    return f"{100 * gap.mean:+.1f} (se {100 * gap.standard_error:.1f})"
