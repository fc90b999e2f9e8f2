"""Logistic regression on frozen features: multinomial, or one-vs-rest.

The protocol of the paper: 45 penalties, log-spaced from 1e-6 to 1e5, the one
best on validation images, then one more fit on training and validation images
together (`selection.choose_and_refit`).

The penalty is per example: what is minimised is

    mean_i loss_i + l2 / 2 ||W||^2,    the bias unpenalised,

so that one value suits sets of any size. In scikit-learn's terms
C = 1 / (n l2); where losses are summed over the images, n l2 is the penalty.
The paper does not say which of the two its range is of.

Dimension letters: `n` images, `D` feature, `K` classes.

Source: Chen et al. 2020a, appendix B.8.
"""

import numpy as np
from scipy import special

from simclr_tf.evaluation import choice, design, linear, logistic_solver

PENALTIES = tuple(np.logspace(-6, 5, 45).tolist())


def path(train, penalties, *, num_classes):
    """The fit at each penalty, each started from the one before.

    A class of which `train` shows no image has no minimum: its bias is set
    to -inf, as it would run there, and it never is predicted.

    Args:
        train: `features.Features`, standardised where the penalty is to be
            fair among features. Labels [n] are of one class each: softmax
            regression. Labels [n, K], 1 where the class is seen, 0 where it
            is not, -1 where it is left out: K separate classifiers.
        penalties: numbers > 0, per example.
        num_classes: K.

    Yields:
        (l2, `linear.Linear`), the strongest penalty first.
    """
    made = design.make_design(train.values)
    seen, loss = _problem(train.labels)
    fits = logistic_solver.path(made, loss, penalties, num_outputs=len(seen))
    for l2, weights, bias in fits:
        yield l2, _spread(made.to_features(weights, bias), seen, num_classes)


def fit(train, *, l2, num_classes):
    """The `linear.Linear` of `path` at one penalty."""
    ((_, fitted),) = path(train, (l2,), num_classes=num_classes)
    return fitted


def log_likelihoods(logits, labels):
    """Log-probabilities of labels, not below `choice.MIN_LOG_LIKELIHOOD`.

    Args:
        logits: float [m, K].
        labels: int [m]: softmax. Of K separate classifiers, [m, K] as in
            `path`: summed over the classes that are not left out, each not
            below the minimum.

    Returns:
        float [m], nats.
    """
    if labels.ndim == 1:
        each = special.log_softmax(logits, axis=1)
        own = np.take_along_axis(each, labels[:, np.newaxis], axis=1)[:, 0]
        return np.maximum(own, choice.MIN_LOG_LIKELIHOOD)
    margins = np.where(labels > 0, logits, -logits)
    each = np.maximum(special.log_expit(margins), choice.MIN_LOG_LIKELIHOOD)
    return np.sum(each * (labels >= 0), axis=1)


def _problem(labels):
    """(classes with a minimum, loss of their logits)."""
    if labels.ndim == 1:
        seen, compact = np.unique(labels, return_inverse=True)
        return seen, logistic_solver.make_softmax_loss(compact)
    seen = np.flatnonzero((labels > 0).any(axis=0))
    return seen, logistic_solver.make_binary_losses(labels[:, seen])


def _spread(fitted, seen, num_classes):
    """Logits of the classes seen, among those of all classes."""
    weights = np.zeros((len(fitted.weights), num_classes), np.float32)
    bias = np.full(num_classes, -np.inf, np.float32)
    weights[:, seen], bias[seen] = fitted
    return linear.Linear(weights, bias)
