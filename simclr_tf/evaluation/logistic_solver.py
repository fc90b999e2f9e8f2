"""Minimises penalised logistic losses by L-BFGS along a path of penalties.

Dimension letters: `n` images, `r` axes of the design, `K` classes.
"""

import typing

import numpy as np
from absl import logging
from scipy import optimize, special

from simclr_tf.evaluation import threads

MAX_ITERATIONS = 1000
"""Never reached in practice: some 25 steps are taken."""
GRADIENT_TOLERANCE = 1e-4
"""Largest entry of the gradient in steps of unit curvature: there the loss
is within about 1e-6 of its minimum, as near as float32 sums can tell."""
CORRECTIONS = 10
"""Pairs that L-BFGS remembers."""
MIN_CURVATURE = 1e-3
"""Of a loss where every image is already certain."""


class Slope(typing.NamedTuple):
    """A loss at some logits.

    Attributes:
        value: float, mean over the images.
        residual: float32 [n, K], its derivative by the logits.
        curvature: float, mean second derivative of one image's loss by one
            of its logits, at most 1/4.
    """

    value: float
    residual: np.ndarray
    curvature: float


def make_softmax_loss(labels):
    """Mean cross-entropy of one class among K.

    Args:
        labels: int [n].

    Returns:
        A function from float32 [n, K], which it overwrites, to `Slope`.
    """
    rows = np.arange(len(labels))

    def loss(logits):
        logits -= logits.max(axis=1, keepdims=True)
        picked = logits[rows, labels]
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)
        value = np.mean(np.log(total[:, 0]) - picked, dtype=np.float64)
        logits /= total
        curvature = _mean_of_variance(logits)
        logits[rows, labels] -= 1
        logits /= np.float32(len(labels))
        return Slope(float(value), logits, curvature)

    return loss


def make_binary_losses(targets):
    """K independent yes-or-no losses, each a mean over its images, summed.

    As no weight is shared among classes, the minimum of the sum holds the
    minimum of each.

    Args:
        targets: [n, K]: 1 yes, 0 no, negative for an image left out of the
            class's problem.

    Returns:
        A function from float32 [n, K] to `Slope`.
    """
    counted = (targets >= 0).astype(np.float32)
    share = counted / np.maximum(counted.sum(axis=0), 1)  # [n, K]
    positive = (targets > 0).astype(np.float32)

    def loss(logits):
        each = np.logaddexp(np.float32(0), logits) - positive * logits
        value = np.sum(each * share, dtype=np.float64)
        probabilities = special.expit(logits)
        curvature = _mean_of_variance(probabilities)
        residual = (probabilities - positive) * share
        return Slope(float(value), residual, curvature)

    return loss


def path(made, loss, penalties, *, num_outputs):
    """Minimises loss + l2 / 2 ||W||^2 at each penalty, bias free.

    Each minimisation starts from the minimum before. The problem is strictly
    convex, so that the start has no bearing on the end but for rounding.

    Args:
        made: a `design.Design`.
        loss: from float32 [n, K] to `Slope`.
        penalties: numbers > 0.
        num_outputs: K.

    Yields:
        (l2, weights float64 [r, K], bias float64 [K]), on the axes of the
        design, the strongest penalty first.
    """
    point = np.zeros((made.rows.shape[1] + 1, num_outputs))
    for l2 in sorted(penalties, reverse=True):
        with threads.limited_for(made.rows.size):
            point = _minimum(made, loss, l2, start=point)
        yield l2, point[:-1], point[-1]


def _minimum(made, loss, l2, *, start):
    """Weights above bias, [r + 1, K].

    Along an axis of variance v the curvature is about c v + l2, c being that
    of the loss; in units of its inverse root all directions are alike, and
    L-BFGS needs a dozen steps where it would need hundreds.
    """
    _, _, curvature = _evaluate(made, loss, l2, start)
    c = max(curvature, MIN_CURVATURE)
    curvatures = np.append(c * made.variances + l2, c)
    unit = 1 / np.sqrt(curvatures)[:, np.newaxis]  # [r + 1, 1]

    def objective(flat):
        point = flat.reshape(start.shape) * unit
        value, gradient, _ = _evaluate(made, loss, l2, point)
        return value, (gradient * unit).ravel()

    found = optimize.minimize(
        objective,
        (start / unit).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxcor": CORRECTIONS,
            "maxiter": MAX_ITERATIONS,
            "gtol": GRADIENT_TOLERANCE,
            "ftol": 0,
        },
    )
    if found.nit >= MAX_ITERATIONS:
        logging.warning("logistic regression has not settled at l2 %g", l2)
    return found.x.reshape(start.shape) * unit


def _evaluate(made, loss, l2, point):
    """What is minimised, its gradient [r + 1, K], the loss's curvature."""
    weights, bias = point[:-1], point[-1]
    logits = made.rows @ weights.astype(np.float32)  # [n, K]
    logits += bias.astype(np.float32)
    slope = loss(logits)
    gradient = np.empty_like(point)
    gradient[:-1] = made.rows.T @ slope.residual + l2 * weights
    gradient[-1] = slope.residual.sum(axis=0, dtype=np.float64)
    value = slope.value + l2 / 2 * np.sum(weights**2)
    return value, gradient, slope.curvature


def _mean_of_variance(probabilities):
    return float(np.mean(probabilities * (1 - probabilities)))
