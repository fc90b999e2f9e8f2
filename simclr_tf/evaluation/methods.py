"""The methods of the frozen protocol, all used in the same way.

A method has a grid of settings, `axes`. It tells what fits at each setting
make of held-out images (`held_out`), from which `selection` chooses, and fits
on labelled features at one setting. What is fitted has `predict`: float32
[n, D] -> int64 [n].
"""

import types
import typing

import numpy as np

from simclr_tf.evaluation import (
    choice,
    knn,
    least_squares,
    logistic,
    metrics,
    selection,
)


class Linear(typing.NamedTuple):
    """A linear classifier with an L2 penalty.

    Attributes:
        name: of the method.
        solver: the module `logistic` or `least_squares`.
        penalties: to choose from; one that stands alone is not chosen.
        score: to choose by, of (logits float [m, K], labels), more being
            better.
    """

    name: str
    solver: types.ModuleType
    penalties: tuple
    score: typing.Callable = metrics.accuracy

    @property
    def axes(self):
        """The grid, one `choice.Axis`."""
        return (choice.Axis("l2", tuple(sorted(self.penalties))),)

    @property
    def has_choice(self):
        """Whether there is anything to choose."""
        return len(self.penalties) > 1

    def limited_to(self, num_images):
        """The method itself: any number of images meets any penalty."""
        del num_images
        return self

    def held_out(self, train, held, *, num_classes):
        """Yields the `selection.HeldOut` of each penalty, logits as outputs.

        Args:
            train: `features.Features` to fit on.
            held: `features.Features` held out, scaled alike.
            num_classes: K.
        """
        path = self.solver.path(train, self.penalties, num_classes=num_classes)
        for l2, fitted in path:
            logits = fitted.logits(held.values)
            likelihoods = self.solver.log_likelihoods(logits, held.labels)
            yield selection.HeldOut({"l2": l2}, logits, likelihoods)

    def fit(self, train, *, num_classes, l2):
        """The `linear.Linear` of a setting."""
        ((_, fitted),) = self.solver.path(train, (l2,), num_classes=num_classes)
        return fitted


class Neighbors(typing.NamedTuple):
    """Weighted k-nearest neighbours.

    Attributes:
        neighbors: k's to choose from.
        temperatures: to choose from.
        max_neighbors: the largest k that the images meet, None for any.
        name: of the method.
    """

    neighbors: tuple = knn.NEIGHBORS
    temperatures: tuple = knn.TEMPERATURES
    max_neighbors: int | None = None
    name: str = "knn"

    @property
    def axes(self):
        """The grid: `choice.Axis` of neighbours and of temperatures."""
        return (
            choice.Axis(
                "neighbors",
                tuple(sorted(self.neighbors)),
                bounds=(1, self.max_neighbors),
            ),
            choice.Axis("temperature", tuple(sorted(self.temperatures))),
        )

    @property
    def has_choice(self):
        """Whether there is anything to choose."""
        return len(self.neighbors) * len(self.temperatures) > 1

    def limited_to(self, num_images):
        """The method with the k's that a number of images can meet.

        Args:
            num_images: n; where every k is above it, k is n.
        """
        kept = tuple(k for k in self.neighbors if k <= num_images)
        kept = kept or (num_images,)
        largest = max(kept) if len(kept) < len(self.neighbors) else None
        return self._replace(neighbors=kept, max_neighbors=largest)

    def held_out(self, train, held, *, num_classes):
        """Yields the `selection.HeldOut` of each setting, classes as outputs.

        Args:
            train: `features.Features`, the bank.
            held: `features.Features` that ask.
            num_classes: K.
        """
        grid = knn.held_out_grid(
            train,
            held,
            num_classes=num_classes,
            neighbors=self.neighbors,
            temperatures=self.temperatures,
        )
        for (k, temperature), (predicted, likelihoods) in grid.items():
            setting = {"neighbors": k, "temperature": temperature}
            yield selection.HeldOut(setting, predicted, likelihoods)

    def score(self, predicted, labels):
        """Fraction of held-out images whose class is predicted."""
        return float(np.mean(predicted == labels))

    def fit(self, train, *, num_classes, **setting):
        """The `Bank` of a setting; nothing is computed yet."""
        return Bank(train, num_classes, **setting)


class Bank(typing.NamedTuple):
    """Labelled features that vote.

    Attributes:
        train: `features.Features`.
        num_classes: K.
        neighbors: k.
        temperature: of the votes.
    """

    train: typing.Any
    num_classes: int
    neighbors: int
    temperature: float

    def predict(self, values):
        """The class with most votes, see `knn.predict`."""
        return knn.predict(
            self.train,
            values,
            num_classes=self.num_classes,
            neighbors=self.neighbors,
            temperature=self.temperature,
        )


def logistic_regression(penalties=(), *, score=metrics.accuracy):
    """The linear probe; without penalties it chooses among the paper's 45."""
    penalties = tuple(penalties or logistic.PENALTIES)
    return Linear("linear", logistic, penalties, score)


def few_shot_least_squares():
    """Least squares in closed form, its penalty chosen."""
    return Linear("least_squares", least_squares, least_squares.PENALTIES)
