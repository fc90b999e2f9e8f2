"""What the public functions take for images, and what they refuse."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import views

SHAPE = (2, 8, 8, 3)


def made(images):
    """A view of images."""
    specs = views.sample_views(
        0, tf.range(2, dtype=tf.int64), height=8, width=8
    )
    return views.apply_views(images, specs[0], image_size=8)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros(SHAPE, np.uint8),
        np.full(SHAPE, 255, np.uint8),
        np.ones(SHAPE, np.float32),
        np.full(SHAPE, 1.0005, np.float32),  # rounding
        tf.zeros(SHAPE),
    ],
)
def test_images_as_they_are_documented(images):
    assert made(images).shape == SHAPE


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.full(SHAPE, 255.0, np.float32), r"from 255 to 255: divide by 255"),
        (np.full(SHAPE, -1.0, np.float32), r"in \[0, 1\]"),
        (np.full(SHAPE, np.nan, np.float32), r"in \[0, 1\]"),
        (np.zeros(SHAPE, np.uint16), "uint16"),
        (np.zeros(SHAPE, np.int32), "int32"),
        (np.zeros(SHAPE, np.float64), "float64"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"3 channels .* \(2, 8, 8, 4\)"),
        (np.zeros((2, 8, 8, 5), np.uint8), r"\(2, 8, 8, 5\)"),
        (np.zeros((8, 8, 3), np.uint8), r"\[B, H, W, C\]; .* \(8, 8, 3\)"),
        (np.zeros((3, 8, 8, 3), np.uint8), "as many as view describes, 2"),
    ],
)
def test_others_are_refused_in_one_line(images, words):
    with pytest.raises(ValueError, match=words) as caught:
        made(images)
    assert str(caught.value).count("\n") == 0


def test_in_a_graph_the_range_is_not_looked_at():
    traced = tf.function(made)
    assert traced(tf.zeros(SHAPE)).shape == SHAPE
    with pytest.raises(ValueError, match="uint16"):
        traced(tf.zeros(SHAPE, tf.uint16))
