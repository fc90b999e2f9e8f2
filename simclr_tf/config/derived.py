"""Durations in steps, computed once from epochs and the number of examples.

The rounding is the official code's, quirks included: the last partial epoch
of training is rounded up by adding one step, warm-up is rounded down.
Source: official tf2/run.py, tf2/model.py.
"""

import math

from simclr_tf import errors


def train_steps(config, num_examples):
    """Training steps: as set, or examples x epochs // batch + 1."""
    examples = num_examples * config.train_epochs
    return config.train_steps or examples // config.train_batch_size + 1


def warmup_steps(config, num_examples):
    """Warm-up steps: round(warm-up epochs x examples // batch).

    Raises:
        errors.UserError: if they are not fewer than the training steps.
    """
    examples = config.warmup_epochs * num_examples
    steps = round(examples // config.train_batch_size)
    total = train_steps(config, num_examples)
    if steps >= total:
        raise errors.UserError(
            "warmup_epochs must be shorter than training: "
            f"{config.warmup_epochs:g} epochs are {steps} steps of {total}; "
            f"got {config.warmup_epochs:g}; a tenth of training is usual"
        )
    return steps


def steps_per_epoch(config, num_examples):
    """Steps of an epoch, rounded to the nearest, at least 1."""
    return max(round(num_examples / config.train_batch_size), 1)


def checkpoint_steps(config, num_examples):
    """Steps between checkpoints: as set, or whole epochs."""
    per_epoch = steps_per_epoch(config, num_examples)
    return config.checkpoint_steps or config.checkpoint_epochs * per_epoch


def is_checkpoint_cadence_set(config):
    """Whether the user said how often checkpoints are to be written."""
    return not config.explicit.isdisjoint(
        ("checkpoint_steps", "checkpoint_epochs")
    )


def eval_steps(config, num_examples):
    """Evaluation batches: as set, or those that cover the split once."""
    whole = math.ceil(num_examples / config.eval_batch_size)
    return config.eval_steps or whole
