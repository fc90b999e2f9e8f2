"""Label budgets: which images keep their labels.

Dimension letters: `n` images, `K` classes.
"""

import numpy as np

from simclr_tf import errors
from simclr_tf.data import seeds


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
                f"eval_label_budgets must grant each class 1 to all of its "
                f"labels; {budget!r} grants {counts[name]} of {size} to "
                f"class {name}"
            )
    return counts


def balanced_subset(labels, counts, *, seed, draw=0):
    """Draws a class-balanced set of images for the frozen protocol.

    Args:
        labels: int [n].
        counts: of `per_class_count`; all images of a class that has fewer.
        seed: int >= 0; equal seeds and numbers draw equal sets.
        draw: int >= 0, the number of the draw.

    Returns:
        int64 indices in rising order.
    """
    generator = seeds.generator(seed, seeds.Domain.PROTOCOL_LABELS, draw)
    return _draw(labels, counts, generator)


def by_fraction(labels, fraction, *, class_names, seed):
    """Draws the same share of every class, rounded.

    With one seed, a larger share holds all of a smaller one.

    Args:
        labels: int [n].
        fraction: in (0, 1].
        class_names: sequence of K, of all classes there are to be.
        seed: int; equal seeds draw equal sets.

    Returns:
        int64 indices in rising order.

    Raises:
        errors.UserError: if a class would get no label.
    """
    if not 0 < fraction <= 1:
        raise errors.UserError(
            f"label_fraction must be above 0 and at most 1; got {fraction}"
        )
    sizes = np.bincount(labels, minlength=len(class_names))
    counts = [round(fraction * size) for size in sizes.tolist()]
    for name, size, count in zip(class_names, sizes, counts, strict=True):
        if not count:
            raise errors.UserError(
                f"label_fraction must leave every class a label; class "
                f"{name!r} of {size} images gets 0 by {fraction:g}"
            )
    generator = seeds.generator(seed, seeds.Domain.LABELS)
    return _draw(labels, dict(enumerate(counts)), generator)


def by_class(labels, count, *, class_names, seed):
    """Draws the same number of every class.

    With one seed, a larger number holds all of a smaller one.

    Args:
        labels: int [n].
        count: labels per class, at least 1.
        class_names: sequence of K, of all classes there are to be.
        seed: int; equal seeds draw equal sets.

    Returns:
        int64 indices in rising order.

    Raises:
        errors.UserError: if a class has fewer.
    """
    if count < 1:
        raise errors.UserError(
            f"labels_per_class must be at least 1; got {count}"
        )
    sizes = np.bincount(labels, minlength=len(class_names))
    for name, size in zip(class_names, sizes, strict=True):
        if size < count:
            raise errors.UserError(
                f"labels_per_class must be at most the images of every class; "
                f"class {name!r} has {size}; got {count}"
            )
    generator = seeds.generator(seed, seeds.Domain.LABELS)
    return _draw(labels, dict.fromkeys(range(len(sizes)), count), generator)


def hold_out(labels, fraction, *, seed, domain=seeds.Domain.HOLD_OUT):
    """Splits images in two, each class by the same fraction.

    Args:
        labels: int [n].
        fraction: share of each class held out, in (0, 1): at least one image,
            but not the only one.
        seed: int >= 0.
        domain: a `seeds.Domain`; parts of two domains are independent.

    Returns:
        (kept, held): int64 indices, both in rising order.
    """
    generator = seeds.generator(seed, domain)
    held = []
    for name in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == name))
        count = max(1, round(fraction * len(members)))
        held.append(members[: min(count, len(members) - 1)])
    held = np.sort(np.concatenate(held))
    return np.setdiff1d(np.arange(len(labels)), held), held


def folds(labels, num_folds, *, seed):
    """Splits images into folds, each class as evenly as it goes.

    A class of `m` images has one more in the first `m % num_folds` folds, so
    that what a fold leaves is as balanced as the whole. The only image of a
    class is never held out.

    Args:
        labels: int [n]; of images with several labels, [n, K], which are
            dealt out regardless of class.
        num_folds: at least 2.
        seed: int >= 0.

    Returns:
        A list of (kept, held): int64 indices in rising order. Folds that
        would hold out nothing are left out.
    """
    generator = seeds.generator(seed, seeds.Domain.FOLDS)
    groups = labels if labels.ndim == 1 else np.zeros(len(labels), np.int64)
    fold = np.full(len(labels), -1)
    for name in np.unique(groups):
        members = generator.permutation(np.flatnonzero(groups == name))
        if len(members) > 1:
            fold[members] = np.arange(len(members)) % num_folds
    return [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(fold.max(initial=-1) + 1)
    ]


def _draw(labels, counts, generator):
    """So many of each class; a larger count adds to a smaller one."""
    chosen = [
        generator.permutation(np.flatnonzero(labels == name))[:count]
        for name, count in counts.items()
    ]
    return np.sort(np.concatenate(chosen))


def _count(budget, size):
    if budget == "all":
        return size
    if budget.endswith("%"):
        return round(float(budget[:-1]) / 100 * size)
    return int(budget)
