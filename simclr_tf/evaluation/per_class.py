"""What a classifier does with the images of each class.

Dimension letter: `K` classes.
"""

import typing

import numpy as np


class ClassScore(typing.NamedTuple):
    """One class.

    Attributes:
        name: of the class.
        num_images: images of it.
        num_right: those that were recognised.
        taken_for: name of the class that most of the others were taken for;
            None where there are no others.
        num_taken: images taken for it.
    """

    name: str
    num_images: int
    num_right: int
    taken_for: str | None
    num_taken: int

    @property
    def accuracy(self):
        """Fraction recognised, in [0, 1]; NaN without images."""
        if not self.num_images:
            return float("nan")
        return self.num_right / self.num_images


class Pair(typing.NamedTuple):
    """Images of one class that were taken for another.

    Attributes:
        label: the class of the images, int in [0, K).
        predicted: the class they were taken for.
        count: number of images, at least 1.
    """

    label: int
    predicted: int
    count: int


def worst_pairs(confusion, *, most):
    """The pairs of classes that are confused most often.

    Args:
        confusion: sparse int [K, K] of `metrics.confusion_matrix`.
        most: number of pairs at most.

    Returns:
        list of `Pair`s, the most frequent first; of equal counts the lower
        label, then the lower prediction.
    """
    entries = confusion.tocoo()
    wrong = entries.row != entries.col
    columns = (entries.row, entries.col, entries.data)
    rows, predicted, counts = (column[wrong] for column in columns)
    order = np.lexsort((predicted, rows, -counts))[:most]
    return [
        Pair(int(rows[i]), int(predicted[i]), int(counts[i])) for i in order
    ]


def scores(confusion, *, class_names=None):
    """What a confusion matrix says of each class.

    Args:
        confusion: sparse int [K, K] of `metrics.confusion_matrix`.
        class_names: sequence of K str, or None for the numbers 0 to K - 1.

    Returns:
        list of K `ClassScore`s. Of two classes that images are as often taken
        for, the first counts.
    """
    num_classes = confusion.shape[0]
    names = class_names or [str(number) for number in range(num_classes)]
    taken = {}
    for pair in worst_pairs(confusion, most=confusion.nnz):
        taken.setdefault(pair.label, pair)
    columns = zip(
        names, confusion.sum(axis=1), confusion.diagonal(), strict=True
    )
    found = []
    for number, (name, num_images, num_right) in enumerate(columns):
        worst = taken.get(number)
        found.append(
            ClassScore(
                name=name,
                num_images=int(num_images),
                num_right=int(num_right),
                taken_for=names[worst.predicted] if worst else None,
                num_taken=worst.count if worst else 0,
            )
        )
    return found
