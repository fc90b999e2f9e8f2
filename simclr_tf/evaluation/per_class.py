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


def scores(confusion, *, class_names=None):
    """What a confusion matrix says of each class.

    Args:
        confusion: int [K, K] of `metrics.confusion_matrix`.
        class_names: sequence of K str, or None for the numbers 0 to K - 1.

    Returns:
        list of K `ClassScore`s. Of two classes that images are as often taken
        for, the first counts.
    """
    names = class_names or [str(number) for number in range(len(confusion))]
    found = []
    for number, (name, row) in enumerate(zip(names, confusion, strict=True)):
        wrong = np.array(row)
        wrong[number] = 0
        other = int(wrong.argmax())
        found.append(
            ClassScore(
                name=name,
                num_images=int(row.sum()),
                num_right=int(row[number]),
                taken_for=names[other] if wrong[other] else None,
                num_taken=int(wrong[other]),
            )
        )
    return found
