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
    chosen = subsets.balanced_subset(LABELS, budget, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == counts
    assert np.all(np.diff(chosen) > 0)


def test_the_seed_decides():
    draws = [
        subsets.balanced_subset(LABELS, "4", seed=seed).tolist()
        for seed in (0, 0, 1)
    ]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize("budget", ["1%", "0", "11", "200%"])
def test_a_class_without_enough_labels_is_named(budget):
    with pytest.raises(errors.UserError, match=r"class 0$"):
        subsets.balanced_subset(LABELS, budget, seed=0)


def test_hold_out_is_a_stratified_partition():
    kept, held = subsets.hold_out(LABELS, 0.1, seed=0)
    assert sorted([*kept, *held]) == list(range(len(LABELS)))
    assert np.bincount(LABELS[held]).tolist() == [1, 2, 40]


NAMES = ("ant", "bee", "cat")


def test_a_fraction_is_that_of_every_class():
    chosen = subsets.by_fraction(LABELS, 0.1, class_names=NAMES, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [1, 2, 40]
    percent = subsets.balanced_subset(LABELS, "10%", seed=0)
    np.testing.assert_array_equal(chosen, percent)


def test_a_number_is_that_of_every_class():
    chosen = subsets.by_class(LABELS, 4, class_names=NAMES, seed=0)
    assert np.bincount(LABELS[chosen]).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(
        chosen, subsets.balanced_subset(LABELS, "4", seed=0)
    )


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
