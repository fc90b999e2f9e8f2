"""What is asked before an evaluation."""

import dataclasses

import pytest

from simclr_tf import errors
from simclr_tf.data.sources import Source
from simclr_tf.scoring import eval_checks

SOURCE = Source(
    name="pets",
    split="test",
    num_examples=9,
    num_classes=2,
    class_names=("cat", "dog"),
)


@pytest.mark.parametrize(
    "facts",
    [
        {"num_classes": None},
        {"num_classes": 2},
        {"num_classes": 2, "class_names": None},
        {"num_classes": 2, "class_names": ["cat", "dog"]},
    ],
)
def test_classes_that_are_not_known_to_differ(facts):
    eval_checks.check_classes(SOURCE, facts, of="the supervised head")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"num_classes": 3},
            "eval_split must have the 3 classes of the supervised head; "
            "'pets' split 'test' has 2",
        ),
        (
            {"num_classes": 2, "class_names": ["dog", "cat"]},
            "eval_split must have the classes of the supervised head; class 0 "
            "of 'pets' split 'test' is 'cat', there 'dog'",
        ),
    ],
)
def test_other_classes_are_one_line(facts, message):
    with pytest.raises(errors.UserError) as caught:
        eval_checks.check_classes(SOURCE, facts, of="the supervised head")
    assert str(caught.value) == message


def test_splits_of_other_classes_are_one_line():
    train = dataclasses.replace(SOURCE, split="train")
    eval_checks.check_classes_of_splits(train, SOURCE)
    other = dataclasses.replace(train, class_names=("cat", "owl"))
    with pytest.raises(errors.UserError) as caught:
        eval_checks.check_classes_of_splits(other, SOURCE)
    assert str(caught.value) == (
        "eval_split must have the classes of train_split; class 1 of 'pets' "
        "split 'test' is 'dog', there 'owl'"
    )
