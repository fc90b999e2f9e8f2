"""The methods of the frozen protocol, all used in the same way.

A method chooses its setting, a dict, by a validation part, and fits on labelled
features at a setting. What is fitted has `predict`: float32 [n, D] -> int64
[n].
"""

import typing

from simclr_tf.evaluation import knn, least_squares, logistic, selection


class Linear(typing.NamedTuple):
    """A linear classifier with an L2 penalty.

    Attributes:
        name: of the method.
        path: `logistic.path` or `least_squares.path`.
        penalties: to choose from; one that stands alone is not chosen.
    """

    name: str
    path: typing.Callable
    penalties: tuple

    @property
    def has_choice(self):
        """Whether there is anything to choose."""
        return len(self.penalties) > 1

    def choose(self, train, validation, *, num_classes):
        """The setting best on `validation`, by fits on `train`."""
        chosen = selection.choose_penalty(
            self.path,
            train,
            validation,
            penalties=self.penalties,
            num_classes=num_classes,
        )
        return {"l2": chosen.setting}

    def default(self):
        """The setting where nothing can be chosen: the one in the middle."""
        return {"l2": _middle(self.penalties)}

    def fit(self, train, *, num_classes, l2):
        """The `linear.Linear` of a setting."""
        ((_, fitted),) = self.path(train, (l2,), num_classes=num_classes)
        return fitted


class Neighbors(typing.NamedTuple):
    """Weighted k-nearest neighbours.

    Attributes:
        neighbors: k's to choose from.
        temperatures: to choose from.
        name: of the method.
    """

    neighbors: tuple = knn.NEIGHBORS
    temperatures: tuple = knn.TEMPERATURES
    name: str = "knn"

    @property
    def has_choice(self):
        """Whether there is anything to choose."""
        return len(self.neighbors) * len(self.temperatures) > 1

    def choose(self, train, validation, *, num_classes):
        """The setting best on `validation`, `train` being the bank."""
        chosen = knn.choose(
            train,
            validation,
            num_classes=num_classes,
            neighbors=self.neighbors,
            temperatures=self.temperatures,
        )
        return dict(
            zip(("neighbors", "temperature"), chosen.setting, strict=True)
        )

    def default(self):
        """The setting where nothing can be chosen: the one in the middle."""
        return {
            "neighbors": _middle(self.neighbors),
            "temperature": _middle(self.temperatures),
        }

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


def logistic_regression(penalties=()):
    """The linear probe; without penalties it chooses among the paper's 45."""
    return Linear(
        "linear", logistic.path, tuple(penalties or logistic.PENALTIES)
    )


def few_shot_least_squares():
    """Least squares in closed form, its penalty chosen."""
    return Linear("least_squares", least_squares.path, least_squares.PENALTIES)


def _middle(values):
    return values[len(values) // 2]
