"""The confusion matrix, as a picture.

Dimension letter: `K` classes.
"""

import numpy as np

from simclr_tf.evaluation import per_class
from simclr_tf.viz import picture

MOST_NUMBERS = 15
"""Classes up to which every count is written out."""
MOST_NAMES = 50
"""Classes up to which every name is written out."""
MOST_CLASSES = 100
"""Classes up to which the whole matrix is drawn, at about 10 pixels a class;
of more classes a cell is too small to see and the dense matrix too large."""
MOST_PAIRS = 30
"""Bars of the picture of many classes, as many as have room for names."""
NAME_WIDTH = 24
"""Characters of a class name beside a bar."""
_DARK = 0.6  # above, white text is easier to read


def save_plot(path, confusion, *, class_names, footer):
    """Draws how often each class was taken for each, as a PNG.

    Up to `MOST_CLASSES` classes this is the whole matrix. Shades are shares of
    a row, so classes of any size can be compared. Of more classes the
    `MOST_PAIRS` pairs that are confused most often are drawn as bars.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        confusion: sparse int [K, K] of `metrics.confusion_matrix`.
        class_names: sequence of K str.
        footer: what was measured, on how many images, at which step.
    """
    if confusion.shape[0] <= MOST_CLASSES:
        drawing = _draw_matrix(confusion.toarray(), class_names)
    else:
        drawing = _draw_pairs(confusion, class_names)
    picture.save(path, drawing, footer=footer, dpi=120)


def _draw_pairs(confusion, class_names):
    from matplotlib import figure

    drawing = figure.Figure(figsize=(10, 8), layout="constrained")
    axes = drawing.subplots()
    pairs = per_class.worst_pairs(confusion, most=MOST_PAIRS)
    names = [
        f"{class_names[pair.label][:NAME_WIDTH]} \N{RIGHTWARDS ARROW} "
        f"{class_names[pair.predicted][:NAME_WIDTH]}"
        for pair in pairs
    ]
    places = range(len(pairs))
    bars = axes.barh(places, [pair.count for pair in pairs], color="tab:green")
    axes.bar_label(bars, fontsize=7, padding=2)
    axes.set_yticks(places, names, fontsize=7, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("images")
    axes.set_title(f"{len(pairs)} most confused pairs: class and prediction")
    return drawing


def _draw_matrix(confusion, class_names):
    from matplotlib import figure

    num_classes = len(confusion)
    side = float(np.clip(2 + 0.45 * num_classes, 4, 10))
    drawing = figure.Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = drawing.subplots()
    totals = np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    shares = confusion / totals
    image = axes.imshow(shares, cmap="Greens", vmin=0, vmax=1)
    drawing.colorbar(image, ax=axes, label="share of the class", shrink=0.8)
    if num_classes <= MOST_NAMES:
        places = range(num_classes)
        style = {"fontsize": 7, "parse_math": False}  # "$" is a letter here
        axes.set_xticks(places, class_names, rotation=90, **style)
        axes.set_yticks(places, class_names, **style)
    if num_classes <= MOST_NUMBERS:
        _write_counts(axes, confusion, shares)
    axes.set_xlabel("predicted")
    axes.set_ylabel("class")
    return drawing


def _write_counts(axes, confusion, shares):
    for row, column in zip(*np.nonzero(confusion), strict=True):
        axes.text(
            column,
            row,
            f"{confusion[row, column]}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if shares[row, column] > _DARK else "black",
        )
