"""Accuracy against the share of labels, one line per method."""

import csv
import io
import typing

from simclr_tf.evaluation import metrics
from simclr_tf.viz import picture

STYLES = {
    "finetune": ("fine-tuned", "#0b6e4f", "o"),
    "linear": ("linear probe", "#3d5a80", "s"),
    "knn": ("kNN", "#e0a458", "D"),
    "scratch": ("from scratch", "#c8553d", "^"),
}
"""Method -> its name in the picture, colour and marker, best known first."""
_TOP = 1.03  # above 100%, so that a marker there is whole
_BESIDE = 1.03  # between the bars of two methods, as a ratio of labels
_NAME_GAP = 0.06  # of the axis, between the names of two lines


class Point(typing.NamedTuple):
    """One method at one fraction with one seed.

    Attributes:
        method: a key of `STYLES`.
        fraction: of the labels, in (0, 1].
        labels: how many that are.
        seed: of the draw and the training.
        accuracy: on test images, in [0, 1].
    """

    method: str
    fraction: float
    labels: int
    seed: int
    accuracy: float


class Mean(typing.NamedTuple):
    """One method at one fraction, over all seeds.

    Attributes:
        method: a key of `STYLES`.
        fraction: of the labels, in (0, 1].
        labels: how many that are.
        mean: accuracy, in [0, 1].
        half_width: of its 95% interval; None for one seed.
        seeds: how many.
    """

    method: str
    fraction: float
    labels: int
    mean: float
    half_width: float | None
    seeds: int


def summarize(points):
    """Means over the seeds, by method and rising fraction.

    Args:
        points: list of `Point`s, in any order.

    Returns:
        A list of `Mean`s.
    """
    cells = {}
    for point in points:
        key = (list(STYLES).index(point.method), point.fraction)
        cells.setdefault(key, []).append(point)
    found = []
    for _, cell in sorted(cells.items()):
        interval = metrics.mean_interval([point.accuracy for point in cell])
        first = cell[0]
        found.append(
            Mean(
                first.method,
                first.fraction,
                first.labels,
                interval.mean,
                interval.half_width,
                interval.num_values,
            )
        )
    return found


def to_csv(rows):
    """`Point`s or `Mean`s as CSV text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows[0]._fields)
    writer.writerows(rows)
    return buffer.getvalue()


def render(means):
    """The table in percent: a line per method, a column per fraction.

    Args:
        means: of `summarize`.

    Returns:
        Lines joined by newlines.
    """
    fractions = sorted({mean.fraction for mean in means})
    heads = [f"{100 * fraction:g}%" for fraction in fractions]
    lines = [_line("accuracy %, labels:", heads)]
    for method, (name, _, _) in STYLES.items():
        cells = {m.fraction: m for m in means if m.method == method}
        if cells:
            lines.append(_line(name, [_cell(cells[f]) for f in fractions]))
    return "\n".join(lines)


def save_plot(path, means, *, footer):
    """Draws the curves as a PNG.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        means: of `summarize`.
        footer: what was measured, on how many images.
    """
    from matplotlib import figure

    drawing = figure.Figure(figsize=(6, 4), layout="constrained")
    axes = drawing.subplots()
    ends = {
        method: _draw_method(axes, method, means)
        for method in STYLES
        if any(mean.method == method for mean in means)
    }
    axes.set_xscale("log")
    ticks = {m.labels: f"{m.labels}\n{100 * m.fraction:g}%" for m in means}
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.minorticks_off()
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, 100 * _TOP))
    _name_lines(axes, ends)
    axes.set_xlabel("labels")
    axes.set_ylabel("test accuracy (%)")
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    picture.save(path, drawing, footer=footer, dpi=150)


def spread(heights, gap):
    """Heights that are too close moved apart, others left where they are.

    Args:
        heights: dict of name -> height.
        gap: least distance of two.

    Returns:
        dict of name -> height: in the same order from below, and of all that
        keep the distance the nearest by squares (isotonic regression of the
        heights less the gaps below them, pooling adjacent violators).
    """
    order = sorted(heights, key=heights.get)
    blocks = []  # (mean, how many)
    for place, name in enumerate(order):
        mean, count = heights[name] - place * gap, 1
        while blocks and blocks[-1][0] > mean:
            below, number = blocks.pop()
            mean = (below * number + mean * count) / (number + count)
            count += number
        blocks.append((mean, count))
    means = [mean for mean, count in blocks for _ in range(count)]
    return {name: means[i] + i * gap for i, name in enumerate(order)}


def _draw_method(axes, method, means):
    """Draws a line with its bars; returns the height of its right end."""
    _, color, marker = STYLES[method]
    place = list(STYLES).index(method) - (len(STYLES) - 1) / 2
    cells = [mean for mean in means if mean.method == method]
    axes.errorbar(
        [cell.labels * _BESIDE**place for cell in cells],
        [100 * cell.mean for cell in cells],
        [100 * (cell.half_width or 0) for cell in cells],
        color=color,
        marker=marker,
        markersize=5,
        linewidth=1.3,
        elinewidth=0.9,
        capsize=2,
    )
    return 100 * cells[-1].mean


def _name_lines(axes, ends):
    """Writes every line's name at its right end, clear of the others."""
    low, high = axes.get_ylim()
    for method, height in spread(ends, _NAME_GAP * (high - low)).items():
        name, color, _ = STYLES[method]
        axes.annotate(
            name,
            (1.01, (height - low) / (high - low)),
            xycoords="axes fraction",
            color=color,
            va="center",
        )


def _line(name, cells):
    return f"{name:<20}" + "".join(f"{cell:>14}" for cell in cells)


def _cell(mean):
    text = f"{100 * mean.mean:.1f}"
    if mean.half_width is None:
        return text
    return f"{text} ± {100 * mean.half_width:.1f}"
