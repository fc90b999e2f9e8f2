"""Learning-rate scaling with the batch, and warm-up followed by a cosine."""

import itertools
import math

import keras
import tensorflow as tf

from simclr_tf import errors

WARMUP_PART = 10
"""A warm-up of an extension is at most this part of it: one in ten."""


def scaled_learning_rate(rate, *, batch_size, scaling="linear"):
    """The peak rate for a batch size.

    Args:
        rate: base rate; per 256 images for "linear", per square root of an
            image for "sqrt".
        batch_size: images in the global batch.
        scaling: "linear" or "sqrt".

    Returns:
        float, `rate * batch_size / 256` or `rate * sqrt(batch_size)`.

    Raises:
        errors.UserError: for any other `scaling`.

    Source: Chen et al. 2020a, section 2.2 and appendix B.1; official
    tf2/model.py.
    """
    if scaling == "linear":
        return rate * batch_size / 256.0
    if scaling == "sqrt":
        return rate * math.sqrt(batch_size)
    raise errors.UserError(
        f"learning_rate_scaling must be linear or sqrt; got {scaling!r}"
    )


def warmup_cosine(step, *, peak, warmup_steps, total_steps):
    """Linear warm-up from 0, then half a cosine down to 0.

    Args:
        step: optimiser steps done, number or tensor of any shape.
        peak: rate at the end of the warm-up.
        warmup_steps: length of the warm-up; 0 starts at the peak.
        total_steps: where the rate reaches 0, and stays.

    Returns:
        float32 tensor shaped as `step`.

    Raises:
        ValueError: if not 0 <= `warmup_steps` <= `total_steps`.

    Source: Chen et al. 2020a, section 2.2; official tf2/model.py
    (`WarmUpAndCosineDecay`).
    """
    _check_steps(warmup_steps, total_steps)
    step = tf.cast(step, tf.float32)
    warmup = step / max(warmup_steps, 1)
    progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    cosine = tf.cos(math.pi * tf.clip_by_value(progress, 0.0, 1.0))
    decayed = 0.5 * (1.0 + cosine)
    return peak * tf.where(step < warmup_steps, warmup, decayed)


@keras.saving.register_keras_serializable(package="simclr_tf")
class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """`warmup_cosine` as a Keras schedule; see there for the arguments."""

    def __init__(
        self,
        peak: float,
        *,
        warmup_steps: int,
        total_steps: int,
    ) -> None:
        """Holds the numbers; raises ValueError as `warmup_cosine` does."""
        _check_steps(warmup_steps, total_steps)
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps

    def __call__(self, step):
        """Rate at `step`, float32."""
        return warmup_cosine(step, **self.get_config())

    def get_config(self):
        """The constructor's arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
        }


def extended_cosine(step, *, starts, peak, warmup_steps, total_steps):
    """As `warmup_cosine`, and from every start again, down to 0 each time.

    Each warm-up but the first is at most a tenth of its schedule, which may
    be short; ten of a hundred epochs are the paper's.

    Args:
        step: optimiser steps done, number or tensor of any shape.
        starts: steps at which a schedule ends and the next begins, rising,
            between 0 and `total_steps`.
        peak: rate at the end of every warm-up.
        warmup_steps: length of the first warm-up.
        total_steps: where the last schedule ends.

    Returns:
        float32 tensor shaped as `step`.

    Raises:
        ValueError: as `warmup_cosine`.
    """
    step = tf.cast(step, tf.float32)
    ends = (*starts, total_steps)
    rate = warmup_cosine(
        step, peak=peak, warmup_steps=warmup_steps, total_steps=ends[0]
    )
    for start, end in itertools.pairwise(ends):
        length = end - start
        again = warmup_cosine(
            step - start,
            peak=peak,
            warmup_steps=min(warmup_steps, length // WARMUP_PART),
            total_steps=length,
        )
        rate = tf.where(step < start, rate, again)
    return rate


@keras.saving.register_keras_serializable(package="simclr_tf")
class ExtendedCosine(WarmupCosine):
    """`extended_cosine` as a Keras schedule; see there for the arguments."""

    def __init__(self, peak, *, warmup_steps, total_steps, starts):
        """Holds the numbers; raises ValueError as `warmup_cosine` does."""
        super().__init__(
            peak, warmup_steps=warmup_steps, total_steps=total_steps
        )
        self.starts = tuple(starts)

    def __call__(self, step):
        """Rate at `step`, float32."""
        return extended_cosine(step, **self.get_config())

    def get_config(self):
        """The constructor's arguments."""
        return super().get_config() | {"starts": self.starts}


def _check_steps(warmup_steps, total_steps):
    if not 0 <= warmup_steps <= total_steps:
        raise ValueError(
            f"warmup_steps must be between 0 and total_steps {total_steps}; "
            f"got {warmup_steps}"
        )
