"""Curves of cost against size, several panels side by side."""

from typing import NamedTuple

from simclr_tf.viz import picture

COLORS = ("#0b6e4f", "#c8553d", "#3d5a80", "#e0a458", "#6c757d")
MARKERS = "osD^v"
_PANEL_INCHES = (4.5, 3.6)
_MOST_TICKS = 8
_MARGIN = 3.0  # above and below, so that what is flat looks flat


class Panel(NamedTuple):
    """One pair of axes, both logarithmic.

    Attributes:
        title: what is shown.
        x_label: with its unit.
        y_label: with its unit.
        curves: dict of name -> (xs, ys).
    """

    title: str
    x_label: str
    y_label: str
    curves: dict


def save_panels(path, panels, *, footer):
    """Draws panels side by side as a PNG.

    Args:
        path: where to write, any path `tf.io.gfile` knows.
        panels: list of `Panel`s.
        footer: what was measured or assumed, and on what.
    """
    from matplotlib import figure

    width, height = _PANEL_INCHES
    drawing = figure.Figure(
        figsize=(width * len(panels), height), layout="constrained"
    )
    all_axes = drawing.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw(axes, panel)
    picture.save(path, drawing, footer=footer, dpi=120)


def _draw(axes, panel):
    styles = zip(COLORS, MARKERS, strict=True)
    for (name, (xs, ys)), (color, marker) in zip(
        panel.curves.items(), styles, strict=False
    ):
        axes.plot(xs, ys, label=name, color=color, marker=marker, markersize=4)
    ticks = sorted({x for xs, _ in panel.curves.values() for x in xs})
    if ticks:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        # Two ticks a decade, so that a flat curve has some as well.
        axes.yaxis.get_major_locator().set_params(subs=(1.0, 3.0))
        heights = [y for _, ys in panel.curves.values() for y in ys]
        axes.set_ylim(min(heights) / _MARGIN, max(heights) * _MARGIN)
    axes.set_xticks(ticks[:: 1 + len(ticks) // _MOST_TICKS])
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.6g}")
    axes.minorticks_off()
    axes.set_title(panel.title, fontsize=10)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    axes.grid(visible=True, color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(panel.curves) > 1:
        axes.legend(frameon=False, fontsize=8)
