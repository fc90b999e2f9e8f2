"""Label budgets: which images keep their labels.

Dimension letters: `n` images, `K` classes.
"""

import numpy as np

from simclr_tf import errors


def per_class_count(budget, labels):
    """How many labels of each class a budget grants.

    Args:
        budget: "all", a whole number of labels per class ("5"), or a
            percentage of each class ("1%").
        labels: int [n], the labels there are.

    Returns:
        dict of class -> count.

    Raises:
        errors.UserError: if a class would get no label or more than it has.
    """
    classes, available = np.unique(labels, return_counts=True)
    counts = {}
    for name, size in zip(classes.tolist(), available.tolist(), strict=True):
        counts[name] = _count(budget, size)
        if not 1 <= counts[name] <= size:
            raise errors.UserError(
                f"a label budget must grant each class 1 to all of its "
                f"labels; {budget!r} grants {counts[name]} of {size} to "
                f"class {name}"
            )
    return counts


def balanced_subset(labels, budget, *, seed):
    """Draws a class-balanced set of images to keep labelled.

    Args:
        labels: int [n].
        budget: as in `per_class_count`.
        seed: int; equal seeds draw equal sets.

    Returns:
        int64 indices in rising order.
    """
    generator = np.random.default_rng(seed)
    chosen = [
        generator.permutation(np.flatnonzero(labels == name))[:count]
        for name, count in per_class_count(budget, labels).items()
    ]
    return np.sort(np.concatenate(chosen))


def hold_out(labels, fraction, *, seed):
    """Splits images in two, each class by the same fraction.

    Args:
        labels: int [n].
        fraction: share of each class held out, in (0, 1), at least one image.
        seed: int.

    Returns:
        (kept, held): int64 indices, both in rising order.
    """
    generator = np.random.default_rng(seed)
    held = []
    for name in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == name))
        held.append(members[: max(1, round(fraction * len(members)))])
    held = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held), held


def _count(budget, size):
    if budget == "all":
        return size
    if budget.endswith("%"):
        return round(float(budget[:-1]) / 100 * size)
    return int(budget)
