"""Few-shot classification by regularised least squares, in closed form.

With features centred, X [n, D], and one-hot labels less their mean, Y [n, K],
the minimum of

    mean_i ||x_i W - y_i||^2 + l2 ||W||^2      is
    W = (X^T X / n + l2 I)^-1 X^T Y / n,       the bias being the mean label.

On the axes that make X^T X / n diagonal with entries v_j, that is a division:
row j of W is (X^T Y / n)_j / (v_j + l2). So one decomposition, of D x D
numbers or, with fewer images than features, of n x n, serves every penalty.

Dimension letters: `n` images, `D` feature, `K` classes.

Source: big_vision's few-shot evaluation regresses one-hot labels on
standardised features in the same manner; the scale of its penalty differs.
"""

import numpy as np

from simclr_tf.evaluation import design

PENALTIES = tuple((10.0 ** np.arange(-6, 3.5, 0.5)).tolist())
"""Half decades from 1e-6 to 1e3, per example: trying all costs nothing."""


def path(train, penalties, *, num_classes):
    """The minimum at each penalty.

    Args:
        train: `features.Features`, standardised where the penalty is to be
            fair among features; labels [n].
        penalties: numbers > 0; l2 is per example and per unit of W squared.
        num_classes: K.

    Yields:
        (l2, `linear.Linear`), the strongest penalty first.
    """
    made = design.make_design(train.values)
    targets = np.zeros((len(train.labels), num_classes))
    targets[np.arange(len(targets)), train.labels] = 1
    mean = targets.mean(axis=0)
    moment = made.rows.T @ (targets - mean) / len(targets)  # [r, K]
    for l2 in sorted(penalties, reverse=True):
        weights = moment / (made.variances + l2)[:, np.newaxis]
        yield l2, made.to_features(weights, mean)


def log_likelihoods(outputs, labels):
    """Log-densities of one-hot labels under noise of variance 1.

    That is, up to a constant, minus half the squared error.

    Args:
        outputs: float [m, K].
        labels: int [m].

    Returns:
        float [m], nats.
    """
    errors = np.array(outputs, np.float64)
    errors[np.arange(len(errors)), labels] -= 1
    return -np.sum(errors**2, axis=1) / 2
