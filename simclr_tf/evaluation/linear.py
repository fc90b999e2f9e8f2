"""Linear probe: multinomial logistic regression on frozen features.

Dimension letters: `n` images, `D` feature, `K` classes.
"""

import warnings

import numpy as np
from sklearn import exceptions, linear_model

MAX_ITERATIONS = 300
"""L-BFGS steps; on standardised features the accuracy has settled by then."""


def fit(train, *, l2):
    """Fits softmax regression by L-BFGS.

    Minimises mean cross-entropy + l2 / 2 * ||W||^2, the bias unpenalised;
    the penalty is per example, so one value suits sets of any size.

    Args:
        train: standardised `features.Features`, [n, D].
        l2: > 0.

    Returns:
        A fitted scikit-learn classifier with `predict`.

    Source: Chen et al. 2020a, appendix B.8 (L-BFGS, l2-regularised).
    """
    classifier = linear_model.LogisticRegression(
        C=1.0 / (l2 * len(train.labels)), max_iter=MAX_ITERATIONS
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        return classifier.fit(train.values, train.labels)


def accuracy(train, test, *, l2):
    """Accuracy on `test` of a probe fitted on `train`, in [0, 1]."""
    return float(np.mean(fit(train, l2=l2).predict(test.values) == test.labels))


def choose_l2(train, validation, *, candidates):
    """The penalty with the best validation accuracy, the larger on a tie.

    Args:
        train: standardised `features.Features`.
        validation: held out of `train`; the test set is never seen.
        candidates: penalties > 0; a single one is returned unfitted.
    """
    if len(candidates) == 1:
        return candidates[0]
    return max(
        sorted(candidates, reverse=True),
        key=lambda l2: accuracy(train, validation, l2=l2),
    )
