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
