"""The best of several settings."""

import typing


class Choice(typing.NamedTuple):
    """A setting and how it came about.

    Attributes:
        setting: the best, such as a penalty.
        scores: (setting, validation score) of all that were tried, in the
            order tried.
    """

    setting: object
    scores: tuple


def best(scores):
    """The `Choice` of the highest score, the first on a tie.

    Args:
        scores: iterable of (setting, score).
    """
    scores = tuple(scores)
    return Choice(max(scores, key=lambda pair: pair[1])[0], scores)
