"""Lists of classes that are the same, or not."""

import pytest

from simclr_tf.data import class_names

PETS = ("cat", "dog", "owl")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (["cat", "dog", "owl"], None),
        (("cat", "owl", "dog"), (1, "dog", "owl")),
        (("0", "1", "2"), None),
        (("1", "2", "3"), (0, "cat", "1")),
        (None, None),
    ],
)
def test_the_first_that_differs(others, expected):
    assert class_names.first_difference(PETS, others) == expected


def test_either_may_be_unknown():
    assert class_names.first_difference(None, PETS) is None
    assert class_names.first_difference(None, None) is None
