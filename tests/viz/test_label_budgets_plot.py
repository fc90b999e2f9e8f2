"""The label-efficiency curves, as a picture."""

import io

import matplotlib
import pytest
import tensorflow as tf
from PIL import Image

from simclr_tf.evaluation import label_budgets
from simclr_tf.viz import label_budgets as plot

PNG = b"\x89PNG\r\n\x1a\n"
MIN_SHADES = 20
"""Lines in colours, text and their soft edges; a blank page has one."""


def rows():
    return {
        name: [
            label_budgets.Score(method, budget, (low, low + 0.1), {})
            for budget, low in (("1", 0.4), ("5", 0.6), ("all", 0.8))
            for method in ("knn", "linear")
        ]
        for name in ("pretrained", "random init", "raw pixels")
    }


@pytest.mark.parametrize("where", ["local", "ram"])
def test_a_png_with_something_on_it(tmp_path, where):
    path = f"{tmp_path}/knn.png" if where == "local" else "ram://plots/knn.png"
    plot.save_plot(path, rows(), method="knn", footer=r"of $\frac$")
    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read()
    assert content.startswith(PNG)
    image = Image.open(io.BytesIO(content)).convert("RGB")
    assert image.size == (900, 600)
    assert len(image.getcolors(maxcolors=10**6)) > MIN_SHADES


def test_a_notebooks_own_figures_are_left_alone(tmp_path):
    former = matplotlib.get_backend()
    matplotlib.use("svg")
    plot.save_plot(f"{tmp_path}/knn.png", rows(), method="knn", footer="")
    after = matplotlib.get_backend()
    matplotlib.use(former)
    assert after == "svg"
