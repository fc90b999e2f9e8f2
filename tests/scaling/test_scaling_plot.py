"""Panels of curves, as a picture."""

import io

import plots
import tensorflow as tf
from PIL import Image

MIN_SHADES = 20
"""Lines in colours, text and their soft edges; a blank page has one."""


def panel(curves):
    return plots.Panel("time", "images", "seconds", curves)


def drawn(path, panels):
    plots.save_panels(path, panels, footer=r"of $\frac$")
    with tf.io.gfile.GFile(path, "rb") as file:
        return Image.open(io.BytesIO(file.read())).convert("RGB")


def test_panels_stand_side_by_side(tmp_path):
    curves = {
        "dense": ([64, 1024], [0.1, 2.0]),
        "streaming": ([64, 1024, 65536], [0.1, 1.0, 77.0]),
    }
    one = drawn(f"{tmp_path}/one.png", [panel(curves)])
    two = drawn("ram://plots/two.png", [panel(curves), panel(curves)])
    assert len(one.getcolors(maxcolors=10**6)) > MIN_SHADES
    assert two.size == (2 * one.size[0], one.size[1])


def test_a_curve_of_many_points_and_one_of_none(tmp_path):
    sizes = [2**power for power in range(20)]
    curves = {"long": (sizes, sizes), "empty": ([], [])}
    drawn(f"{tmp_path}/many.png", [panel(curves)])
