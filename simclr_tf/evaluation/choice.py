"""The choice of one setting among several, by images held out.

All protocols choose by the same rule:

1. the best score, such as accuracy, on the held-out images; scores that one
   image can turn are equal;
2. among settings of equal score, the largest log-likelihood;
3. among settings that this does not tell apart either, the one in the middle
   of the range they span.

Few held-out images often give many settings the same accuracy. The ends of a
range of equals are the worst places in it: a little further on, the score
drops, and the final fit is on other images.
"""

import typing

import numpy as np

ROUNDING = 1e-9
"""Sums of float64 in another order."""
LIKELIHOOD_TOLERANCE = 1e-3
"""Nats per image. Log-likelihoods that differ less are equal; solvers stop
within about 1e-6 of their minimum."""
MIN_LOG_LIKELIHOOD = float(np.log(1e-7))
"""Of one image: below float32's resolution of a probability, a single image
shall not outweigh all others."""


class Axis(typing.NamedTuple):
    """One axis of a grid of settings.

    Attributes:
        name: of the setting, such as "l2".
        values: tuple, rising.
        bounds: values beyond which nothing can be tried, such as 1 neighbour.
    """

    name: str
    values: tuple
    bounds: tuple = ()


class Trial(typing.NamedTuple):
    """A setting on the held-out images.

    Attributes:
        setting: dict of axis name -> value.
        score: more is better; not a number is worst.
        log_likelihood: mean over the images, nats.
    """

    setting: dict
    score: float
    log_likelihood: float


class Choice(typing.NamedTuple):
    """A setting and how it came about.

    Attributes:
        setting: the best, dict of axis name -> value.
        trials: `Trial`s of all that were tried; () where there was no choice.
    """

    setting: dict
    trials: tuple = ()

    @property
    def score(self):
        """The score of the setting, None where there was no choice."""
        found = [t.score for t in self.trials if t.setting == self.setting]
        return found[0] if found else None


def best(trials, axes, *, num_held):
    """The `Choice` by the rule of this file.

    Args:
        trials: iterable of `Trial`, at least one.
        axes: tuple of `Axis`, of which every setting has one value each.
        num_held: held-out images that the trials are of.
    """
    trials = tuple(trials)
    tied = np.arange(len(trials))
    for values, tolerance in (
        ([t.score for t in trials], 1 / num_held + ROUNDING),
        ([t.log_likelihood for t in trials], LIKELIHOOD_TOLERANCE),
    ):
        values = np.where(np.isnan(values), -np.inf, values)[tied]
        tied = tied[values >= values.max() - tolerance]
    places = np.array([_place(trials[index].setting, axes) for index in tied])
    return Choice(trials[tied[_most_central(places)]].setting, trials)


def middle(axes):
    """The setting in the middle of every axis, a dict; for no evidence."""
    return {axis.name: axis.values[len(axis.values) // 2] for axis in axes}


def ends(setting, axes):
    """The axes at an end of which a setting lies.

    Left out are ends beyond which there is nothing, and axes of one or two
    values, which have nothing but ends.

    Args:
        setting: dict of axis name -> value.
        axes: tuple of `Axis`.

    Returns:
        A list of `Axis`.
    """
    return [
        axis
        for axis in axes
        if len(axis.values) > 2
        and setting[axis.name] in (axis.values[0], axis.values[-1])
        and setting[axis.name] not in axis.bounds
    ]


def _place(setting, axes):
    """Where a setting lies on each axis, a list of int."""
    return [axis.values.index(setting[axis.name]) for axis in axes]


def _most_central(places):
    """Index of the row nearest to the middle of the range all rows span.

    Of two that are equally near it is the later on the first axis on which
    they differ: the stronger penalty.

    Args:
        places: int [t, axes].
    """
    low, high = places.min(axis=0), places.max(axis=0)
    width = np.maximum(high - low, 1)
    distance = np.abs(2 * places - low - high) / width  # [t, axes]
    totals = distance.sum(axis=1).round(9)
    nearest = np.flatnonzero(totals == totals.min())
    return max(nearest, key=lambda index: tuple(places[index]))
