"""LAMB: Adam's step under a layer-wise trust ratio."""

import collections.abc
import typing

import keras
import tensorflow as tf

from simclr_tf.optim import layerwise


def lamb_update(
    weight,
    first_moment,
    second_moment,
    gradient,
    *,
    step,
    learning_rate,
    beta_1=0.9,
    beta_2=0.999,
    epsilon=1e-6,
    weight_decay=0.0,
    decay=True,
    adapt=True,
):
    """One step of LAMB on one variable.

    Args:
        weight: float32, any shape.
        first_moment: float32, the same shape; starts at 0.
        second_moment: float32, the same shape; starts at 0.
        gradient: float32, the same shape.
        step: number of this step, from 1, for the bias corrections.
        learning_rate: number or float32 [].
        beta_1: decay of the first moment, 0-1.
        beta_2: decay of the second moment, 0-1.
        epsilon: added to the root of the second moment.
        weight_decay: `weight_decay * weight` is added to Adam's step, before
            the trust ratio.
        decay: whether weight decay applies to this variable.
        adapt: whether the trust ratio applies to it; else the ratio is 1.

    Returns:
        Tuple (weight, first_moment, second_moment) after the step.

    Source: You et al. 2020 (arXiv:1904.00962), Algorithm 2 with phi the
    identity, as in TensorFlow Addons 0.23.
    """
    step = tf.cast(step, tf.float32)
    first_moment = beta_1 * first_moment + (1 - beta_1) * gradient
    second_moment = beta_2 * second_moment + (1 - beta_2) * gradient**2
    mean = first_moment / (1 - beta_1**step)
    scale = tf.sqrt(second_moment / (1 - beta_2**step)) + epsilon
    update = mean / scale
    if decay:
        update += weight_decay * weight
    ratio = layerwise.trust_ratio(weight, update) if adapt else 1.0
    weight = weight - learning_rate * ratio * update
    return weight, first_moment, second_moment


@keras.saving.register_keras_serializable(package="simclr_tf")
class LAMB(layerwise.LayerwiseOptimizer):
    """LAMB as a Keras optimiser.

    By default every variable is decayed and adapted, as in TensorFlow Addons;
    `exclude_vectors=True` spares those of rank 0 and 1, as LARS does.

    `keras.optimizers.Lamb` departs from the paper: it shrinks the weights
    by rate x decay before the update, where the paper adds the decay to the
    update, so that the trust ratio sees it. Here the paper is followed.
    Without weight decay both agree, given one epsilon (Keras: 1e-7).

    Source: You et al. 2020 (arXiv:1904.00962); TensorFlow Addons 0.23.
    """

    slot_names = ("first_moment", "second_moment")

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        weight_decay: float = 0.0,
        exclude: collections.abc.Iterable = (),
        exclude_vectors: bool = False,
        name: str = "lamb",
        **base: typing.Any,
    ) -> None:
        """See `lamb_update` and `layerwise.LayerwiseOptimizer`."""
        super().__init__(
            learning_rate,
            weight_decay=weight_decay,
            exclude=exclude,
            exclude_vectors=exclude_vectors,
            name=name,
            **base,
        )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def update(self, weight, first_moment, second_moment, gradient, **kwargs):
        """`lamb_update` with this optimiser's numbers."""
        return lamb_update(
            weight,
            first_moment,
            second_moment,
            gradient,
            step=self.iterations + 1,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            weight_decay=self.decay_strength,
            **kwargs,
        )

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
