"""The confusion matrix, as a picture.

Dimension letter: `K` classes.
"""

import io

import numpy as np

from simclr_tf.training import whole_file

MOST_NUMBERS = 15
"""Classes up to which every count is written out."""
MOST_NAMES = 50
"""Classes up to which every name is written out."""
_DARK = 0.6  # above, white text is easier to read


def save_plot(path, confusion, *, class_names, footer):
    """Draws how often each class was taken for each, as a PNG.

    Shades are shares of a row, so classes of any size can be compared.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        confusion: int [K, K] of `metrics.confusion_matrix`.
        class_names: sequence of K str.
        footer: what was measured, on how many images, at which step.
    """
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
        axes.set_xticks(places, class_names, rotation=90, fontsize=7)
        axes.set_yticks(places, class_names, fontsize=7)
    if num_classes <= MOST_NUMBERS:
        _write_counts(axes, confusion, shares)
    axes.set_xlabel("predicted")
    axes.set_ylabel("class")
    drawing.supxlabel(footer, fontsize=7)
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=120)
    whole_file.write_bytes(path, buffer.getvalue())


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
