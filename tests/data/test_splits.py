"""Splits by name and slice."""

import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.data import splits

NUM_EXAMPLES = 37


def indices(split, num_examples=NUM_EXAMPLES):
    return [part.indices(num_examples) for part in splits.parse(split)]


def test_a_plain_name_holds_everything_in_order():
    (found,) = indices("train")
    np.testing.assert_array_equal(found, np.arange(NUM_EXAMPLES))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("train[:90%]", "train[90%:]"),
        ("train[:10]", "train[10:]"),
        ("train[:-5]", "train[-5:]"),
        ("train[:-20%]", "train[-20%:]"),
    ],
)
def test_two_slices_partition_the_split(first, second):
    both = np.concatenate(indices(first) + indices(second))
    assert sorted(both) == list(range(NUM_EXAMPLES))


@pytest.mark.parametrize(
    ("split", "size"),
    [
        ("train[:10]", 10),
        ("train[5:8]", 3),
        ("train[:90%]", 33),
        ("train[50%:60%]", 4),
        ("train[-5:]", 5),
    ],
)
def test_size_of_a_slice(split, size):
    (found,) = indices(split)
    assert len(found) == size
    assert list(found) == sorted(set(found))


def test_a_slice_of_sorted_classes_holds_every_class():
    labels = np.repeat(np.arange(4), 100)
    (found,) = indices("train[:25%]", len(labels))
    assert np.all(np.bincount(labels[found], minlength=4) > 10)


def test_parts_are_joined_by_plus():
    parts = splits.parse("train[:5] + test")
    assert [str(part) for part in parts] == ["train[:5]", "test"]


@pytest.mark.parametrize(
    "split", ["", "train[", "train[:x]", "train[5]", "train[:1.5%]", "a+"]
)
def test_nonsense_is_named(split):
    with pytest.raises(errors.UserError, match="split must read like"):
        splits.parse(split)


@pytest.mark.parametrize(
    "split", ["train[:38]", "train[:-38]", "train[5:5]", "train[50%:10%]"]
)
def test_bounds_outside_are_named(split):
    with pytest.raises(errors.UserError, match=r"split must .*train\["):
        indices(split)
