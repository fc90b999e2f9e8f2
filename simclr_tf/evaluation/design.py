"""The design matrix of a linear fit, turned to its principal axes.

A linear classifier with a free bias and a penalty on ||W||^2 does not notice
if the features are centred and rotated: the optimum rotates along. Turned to
the axes along which the training features vary independently, least squares
is solved by a division (`least_squares`), and logistic regression by a few
well-scaled steps (`logistic_solver`).

Dimension letters: `n` images, `D` feature, `r` = min(n, D) axes, `K` classes.
"""

import typing

import numpy as np

from simclr_tf.evaluation import linear, threads

ROWS_PER_CHUNK = 4096
"""Rows held in float64 at once."""


class Design(typing.NamedTuple):
    """Training features on their principal axes.

    Attributes:
        rows: float32 [n, r], centred features on the axes.
        variances: float64 [r], mean square of every column of `rows`.
        mean: float64 [D] of the features.
        axes: float64 [D, r], orthonormal columns.
    """

    rows: np.ndarray
    variances: np.ndarray
    mean: np.ndarray
    axes: np.ndarray

    def to_features(self, weights, bias):
        """A classifier of `rows` as one of the features themselves.

        Args:
            weights: float64 [r, K].
            bias: float64 [K].

        Returns:
            A `linear.Linear`.
        """
        weights = self.axes @ weights  # [D, K]
        bias = bias - self.mean @ weights
        return linear.Linear(
            weights.astype(np.float32), bias.astype(np.float32)
        )


def make_design(values):
    """Centres and rotates features.

    With fewer images than features, the images are first written on a basis
    of the n-dimensional space that they span, which holds the optimum; the
    work is then that of n features.

    Args:
        values: float32 [n, D].

    Returns:
        A `Design`. Products are summed in float64, as small variances would
        drown in the rounding of large ones.
    """
    with threads.limited_for(values.size):
        return _turned(values)


def _turned(values):
    mean = values.mean(axis=0, dtype=np.float64)
    span = None
    if values.shape[0] < values.shape[1]:
        span, coordinates = np.linalg.qr((values - mean).T)  # [D, n], [n, n]
        centred = coordinates.T
    else:
        centred = values - mean.astype(values.dtype)
    variances, axes = np.linalg.eigh(_second_moment(centred))
    rows = centred @ axes.astype(centred.dtype)  # [n, r]
    return Design(
        rows.astype(np.float32),
        np.maximum(variances, 0),
        mean,
        axes if span is None else span @ axes,
    )


def _second_moment(rows):
    """Mean of x^T x over rows x, float64 [r, r]."""
    total = np.zeros((rows.shape[1], rows.shape[1]))
    for start in range(0, len(rows), ROWS_PER_CHUNK):
        chunk = rows[start : start + ROWS_PER_CHUNK].astype(np.float64)
        total += chunk.T @ chunk
    return total / len(rows)
