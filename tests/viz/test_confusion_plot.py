"""The confusion matrix, as a picture."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import sparse

from simclr_tf.viz import confusion as plot


def picture(confusion):
    """The pixels drawn, [height, width, 3]."""
    path = "ram://confusion/matrix.png"
    names = [f"class {number}" for number in range(len(confusion))]
    confusion = sparse.csr_array(confusion)
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


@pytest.mark.parametrize("num_classes", [3, plot.MOST_CLASSES + 1])
@pytest.mark.parametrize(
    "name", ["$", "$x$ $", r"\frac", r"$\frac$", "a_b^c%&"]
)
def test_names_are_not_formulas(name, num_classes):
    confusion = np.ones([num_classes, num_classes], int)
    path = "ram://confusion/names.png"
    plot.save_plot(
        path,
        sparse.csr_array(confusion),
        class_names=[name] * num_classes,
        footer=f"folder:{name}: 3 images",
    )
    assert tf.io.gfile.exists(path)


@pytest.mark.parametrize("above", [0, 1])
def test_of_many_classes_the_worst_pairs_alone_are_drawn(above):
    num_classes = plot.MOST_CLASSES + above
    confusion = np.eye(num_classes, dtype=int)
    confusion[2, :40] += 50
    confusion[2, 3] += 50
    rarest = confusion.copy()
    rarest[5, 6] = 1  # row 2 alone has more than MOST_PAIRS worse pairs
    same = np.array_equal(picture(confusion), picture(rarest))
    assert same == bool(above)
    worse = confusion.copy()
    worse[90, 91] = 200
    assert (picture(confusion) != picture(worse)).any()


def test_of_many_classes_without_mistakes_a_picture_is_drawn():
    num_classes = plot.MOST_CLASSES + 1
    assert picture(np.eye(num_classes, dtype=int)).std() > 0
