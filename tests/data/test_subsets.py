import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.data import subsets

LABELS = np.repeat([0, 1, 2], [10, 20, 400])


@pytest.mark.parametrize(
    ("budget", "counts"),
    [("all", [10, 20, 400]), ("4", [4, 4, 4]), ("10%", [1, 2, 40])],
)
def test_budgets_are_balanced(budget, counts):
    granted = subsets.per_class_count(budget, LABELS)
    chosen = subsets.balanced_subset(LABELS, granted, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == counts
    assert np.all(np.diff(chosen) > 0)


def test_the_seed_and_the_number_decide():
    counts = subsets.per_class_count("4", LABELS)
    draws = [
        subsets.balanced_subset(LABELS, counts, seed=seed, draw=draw).tolist()
        for seed, draw in ((0, 1), (0, 1), (1, 1), (0, 0))
    ]
    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) == 3


def test_a_class_that_has_fewer_gives_all():
    counts = {0: 30, 1: 15, 2: 15}
    chosen = subsets.balanced_subset(LABELS, counts, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [10, 15, 15]


@pytest.mark.parametrize("budget", ["1%", "0", "11", "200%"])
def test_a_class_without_enough_labels_is_named(budget):
    with pytest.raises(errors.UserError, match=r"class 0$"):
        subsets.per_class_count(budget, LABELS)


def test_hold_out_is_a_stratified_partition():
    kept, held = subsets.hold_out(LABELS, 0.1, seed=0)
    assert sorted([*kept, *held]) == list(range(len(LABELS)))
    assert np.bincount(LABELS[held]).tolist() == [1, 2, 40]


def test_the_only_image_of_a_class_is_not_held_out():
    labels = np.array([0, 1, 1, 2, 2])
    kept, held = subsets.hold_out(labels, 0.9, seed=0)
    assert 0 in kept
    assert labels[held].tolist() == [1, 2]
    assert (
        np.concatenate([held for _, held in subsets.folds(labels, 5, seed=0)])
        .tolist()
        .count(0)
        == 0
    )
    assert subsets.folds(np.arange(4), 5, seed=0) == []


def test_folds_hold_out_every_image_once_and_every_class_evenly():
    labels = np.repeat([0, 1, 2], [2, 14, 15])
    found = subsets.folds(labels, 5, seed=3)
    for kept, held in found:
        assert sorted([*kept, *held]) == list(range(len(labels)))
    held = [held for _, held in found]
    assert sorted(np.concatenate(held)) == list(range(len(labels)))
    counts = [np.bincount(labels[h], minlength=3).tolist() for h in held]
    assert counts == [[1, 3, 3], [1, 3, 3], [0, 3, 3], [0, 3, 3], [0, 2, 3]]
    again = subsets.folds(labels, 5, seed=3)
    assert all(
        np.array_equal(a, b)
        for (a, _), (b, _) in zip(found, again, strict=True)
    )
    other = subsets.folds(labels, 5, seed=4)
    assert not np.array_equal(found[0][1], other[0][1])


def test_images_with_several_labels_are_dealt_out():
    labels = np.ones([23, 4], int)
    sizes = [len(held) for _, held in subsets.folds(labels, 5, seed=0)]
    assert sizes == [5, 5, 5, 4, 4]


NAMES = ("ant", "bee", "cat")


def test_a_fraction_is_that_of_every_class():
    chosen = subsets.by_fraction(LABELS, 0.1, class_names=NAMES, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [1, 2, 40]


def test_a_number_is_that_of_every_class():
    chosen = subsets.by_class(LABELS, 4, class_names=NAMES, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [4, 4, 4]


@pytest.mark.parametrize(
    ("draw", "few", "many"),
    [(subsets.by_fraction, 0.1, 0.5), (subsets.by_class, 3, 9)],
)
def test_with_one_seed_more_labels_hold_the_fewer(draw, few, many):
    for seed in range(3):
        small, large = (
            set(draw(LABELS, size, class_names=NAMES, seed=seed).tolist())
            for size in (few, many)
        )
        assert small < large


def test_a_fraction_that_leaves_a_class_without_labels():
    with pytest.raises(
        errors.UserError,
        match=r"^label_fraction must leave every class a label; class 'ant' "
        r"of 10 images gets 0 by 0.01$",
    ):
        subsets.by_fraction(LABELS, 0.01, class_names=NAMES, seed=0)


def test_a_class_that_the_split_lacks():
    names = (*NAMES, "dog")
    with pytest.raises(errors.UserError, match="class 'dog' of 0 images"):
        subsets.by_fraction(LABELS, 0.5, class_names=names, seed=0)


def test_more_labels_than_a_class_has():
    with pytest.raises(
        errors.UserError,
        match=r"^labels_per_class must be at most .* class 'ant' has 10; got "
        r"11$",
    ):
        subsets.by_class(LABELS, 11, class_names=NAMES, seed=0)


@pytest.mark.parametrize("fraction", [0.0, -0.1, 1.1, float("nan")])
def test_fractions_out_of_range(fraction):
    with pytest.raises(errors.UserError, match="label_fraction must be above"):
        subsets.by_fraction(LABELS, fraction, class_names=NAMES, seed=0)


def test_no_labels_per_class():
    with pytest.raises(errors.UserError, match="labels_per_class must be at"):
        subsets.by_class(LABELS, 0, class_names=NAMES, seed=0)
