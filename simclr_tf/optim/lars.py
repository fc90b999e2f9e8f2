"""LARS in the variant of SimCLR."""

import collections.abc
import typing

import keras

from simclr_tf.optim import layerwise


def lars_update(
    weight,
    velocity,
    gradient,
    *,
    learning_rate,
    momentum=0.9,
    weight_decay=0.0,
    eta=0.001,
    nesterov=False,
    classic_momentum=True,
    decay=True,
    adapt=True,
):
    """One step of LARS on one variable.

    Classic momentum accumulates steps, each with the trust ratio and the
    learning rate of its time; the other kind accumulates gradients, and both
    factors of the day apply to the whole sum.

    Args:
        weight: float32, any shape.
        velocity: float32, the same shape; starts at 0.
        gradient: float32, the same shape.
        learning_rate: global rate, number or float32 [].
        momentum: decay of the velocity, 0-1.
        weight_decay: added to the gradient as `weight_decay * weight`.
        eta: trust coefficient, ratio of a step's norm to the weight's at
            rate 1.
        nesterov: step along the velocity as it will be next.
        classic_momentum: accumulate steps, not gradients.
        decay: whether weight decay applies to this variable.
        adapt: whether the trust ratio applies to it; else the ratio is 1.

    Returns:
        Tuple (weight, velocity) after the step.

    Source: You et al. 2017, Algorithm 1; official tf2/lars_optimizer.py. The
    ratio is 1, not eta, where the weight or the gradient is all zero, as
    there.
    """
    if decay:
        gradient = gradient + weight_decay * weight

    def scaled(update):
        if not adapt:
            return learning_rate * update
        ratio = layerwise.trust_ratio(weight, update, eta=eta)
        return learning_rate * ratio * update

    step = scaled(gradient) if classic_momentum else gradient
    velocity = momentum * velocity + step
    ahead = momentum * velocity + step if nesterov else velocity
    return weight - (ahead if classic_momentum else scaled(ahead)), velocity


@keras.saving.register_keras_serializable(package="simclr_tf")
class LARS(layerwise.LayerwiseOptimizer):
    """Layer-wise adaptive rate scaling as a Keras optimiser.

    Variables of rank 0 and 1, and those in `exclude` (the supervised head's),
    are neither decayed nor adapted: for them it is SGD with momentum.

    Source: You et al. 2017; Chen et al. 2020a, appendix B.1; official
    tf2/lars_optimizer.py.
    """

    slot_names = ("velocity",)

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        eta: float = 0.001,
        nesterov: bool = False,
        classic_momentum: bool = True,
        exclude: collections.abc.Iterable = (),
        exclude_vectors: bool = True,
        name: str = "lars",
        **base: typing.Any,
    ) -> None:
        """See `lars_update` and `layerwise.LayerwiseOptimizer`."""
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            exclude=exclude,
            exclude_vectors=exclude_vectors,
            name=name,
            **base,
        )
        self.momentum = momentum
        self.eta = eta
        self.nesterov = nesterov
        self.classic_momentum = classic_momentum

    def update(self, weight, velocity, gradient, **kwargs):
        """`lars_update` with this optimiser's numbers."""
        return lars_update(
            weight,
            velocity,
            gradient,
            momentum=self.momentum,
            weight_decay=self.decay_strength,
            eta=self.eta,
            nesterov=self.nesterov,
            classic_momentum=self.classic_momentum,
            **kwargs,
        )

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {
            "momentum": self.momentum,
            "eta": self.eta,
            "nesterov": self.nesterov,
            "classic_momentum": self.classic_momentum,
        }
