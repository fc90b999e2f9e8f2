"""A fitted linear classifier, however it was fitted.

Dimension letters: `n` images, `D` feature, `K` classes.
"""

import typing

import numpy as np


class Linear(typing.NamedTuple):
    """Logits that are affine in the features.

    Attributes:
        weights: float32 [D, K].
        bias: float32 [K]; -inf for a class the fit saw no image of, which is
            then never predicted.
    """

    weights: np.ndarray
    bias: np.ndarray

    def logits(self, values):
        """float32 [n, D] -> float32 [n, K]."""
        return values @ self.weights + self.bias

    def predict(self, values):
        """The class of the largest logit, int64 [n]; the lowest on a tie."""
        return self.logits(values).argmax(axis=1)

    def accuracy(self, found):
        """Fraction of a `features.Features` that is predicted, in [0, 1]."""
        return float(np.mean(self.predict(found.values) == found.labels))

    def unscaled(self, scaling):
        """The same classifier as a function of features not yet scaled.

        Args:
            scaling: the `features.Scaling` it was fitted after.
        """
        weights = self.weights * scaling.factor[:, np.newaxis]
        bias = self.bias - scaling.mean @ weights
        return Linear(weights.astype(np.float32), bias.astype(np.float32))
