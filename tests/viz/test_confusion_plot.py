"""The confusion matrix, as a picture."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from simclr_tf.viz import confusion as plot


def picture(confusion):
    """The pixels drawn, [height, width, 3]."""
    path = "ram://confusion/matrix.png"
    names = [f"class {number}" for number in range(len(confusion))]
    plot.save_plot(path, confusion, class_names=names, footer="step 3")
    with tf.io.gfile.GFile(path, "rb") as file:
        return np.array(Image.open(io.BytesIO(file.read())).convert("RGB"))


@pytest.mark.parametrize("num_classes", [2, 10, 100])
def test_right_and_wrong_look_different(num_classes):
    right = np.eye(num_classes, dtype=int) * 20
    wrong = np.roll(right, 1, axis=1)
    ours, theirs = picture(right), picture(wrong)
    assert ours.shape == theirs.shape
    assert ours.shape[0] >= 480
    assert (ours != theirs).any(axis=-1).sum() > 500


def test_shades_do_not_depend_on_the_size_of_a_class():
    # Too many classes for counts to be written: shades alone are drawn.
    shares = np.eye(plot.MOST_NUMBERS + 1, dtype=int)
    np.testing.assert_array_equal(picture(shares), picture(50 * shares))


def test_a_class_without_images_is_drawn():
    assert picture(np.array([[3, 1], [0, 0]])).std() > 0
