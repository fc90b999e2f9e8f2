"""Accuracy against the number of labels, one line per encoder."""

import numpy as np

from simclr_tf.viz import picture

COLORS = ("#0b6e4f", "#c8553d", "#6c757d")


def save_plot(path, rows, *, method, footer):
    """Draws the label-efficiency curves of one method as a PNG.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        rows: dict of row name -> list of `label_budgets.Score`.
        method: of the scores that are drawn, such as "knn".
        footer: what was measured, on how many images, at which step.
    """
    from matplotlib import figure

    drawing = figure.Figure(figsize=(6, 4), layout="constrained")
    axes = drawing.subplots()
    for (name, scores), color in zip(rows.items(), COLORS, strict=False):
        scores = [score for score in scores if score.method == method]
        budgets = [score.budget for score in scores]
        means = [100 * np.mean(score.accuracies) for score in scores]
        spread = [100 * score.deviation for score in scores]
        axes.errorbar(
            budgets, means, spread, label=name, color=color, marker="o",
            capsize=3,
        )  # fmt: skip
    axes.set_xlabel("labels (a number is per class)")
    axes.set_ylabel("test accuracy (%)")
    axes.set_title(f"{method} on frozen features")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    picture.save(path, drawing, footer=footer, dpi=150)
