"""How the paper fine-tunes a whole network on another data set."""

import typing

import numpy as np

MOMENTUM = 0.9
"""Nesterov's."""
LEARNING_RATES = tuple(np.geomspace(1e-4, 0.1, 7).tolist())
"""Of the whole batch, not scaled by its size."""
WEIGHT_DECAYS = (0.0, *np.geomspace(1e-6, 1e-3, 7).tolist())
_MIN_BN_MOMENTUM = 0.9


class Setting(typing.NamedTuple):
    """What one run is trained with.

    Attributes:
        learning_rate: of a batch.
        weight_decay: of the L2 loss, already divided by the rate.
    """

    learning_rate: float
    weight_decay: float


def make_setting(learning_rate, weight_decay):
    """The `Setting` of a point of the grid.

    Args:
        learning_rate: of the whole batch.
        weight_decay: before it is divided by the rate, so that a step shrinks
            the weights by the same share at any rate.

    Source: Chen et al. 2020a, appendix B.8.
    """
    return Setting(learning_rate, weight_decay / learning_rate)


def bn_momentum(steps_per_epoch):
    """Momentum of batch norm's moving statistics: max(1 - 10 / s, 0.9).

    A tenth of an epoch counts, but no fewer than ten batches.

    Args:
        steps_per_epoch: s, steps in one pass over the training images.

    Source: Chen et al. 2020a, appendix B.8.
    """
    return max(1.0 - 10.0 / steps_per_epoch, _MIN_BN_MOMENTUM)
