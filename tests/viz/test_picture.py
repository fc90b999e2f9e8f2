"""A picture is whole, and warns of nothing a reader can see in it."""

import warnings

from matplotlib import figure
from PIL import Image

from simclr_tf.viz import picture


def test_letters_that_the_font_lacks_are_not_warned_of(tmp_path):
    drawing = figure.Figure(figsize=(2, 1))
    drawing.suptitle("日本")
    path = str(tmp_path / "picture.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture.save(path, drawing, footer=r"of $\frac 日", dpi=50)
    assert Image.open(path).size == (100, 50)
