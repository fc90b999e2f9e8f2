"""What `--mode` and `--train_mode` name."""

from absl import logging

from simclr_tf.commands import (
    compare,
    evaluate,
    export,
    import_checkpoint,
    label_curve,
    next_steps,
    plan,
    repeat,
)
from simclr_tf.methods import distill, finetune, pretrain
from simclr_tf.setup import devices, file_errors, given_data, precision

_TRAIN = {
    "pretrain": pretrain.run,
    "finetune": finetune.run,
    "distill": distill.run,
}


def run(config):
    """Does what a configuration asks for, perhaps with several seeds.

    Args:
        config: a `Config`.

    Raises:
        errors.UserError: whatever the task finds wrong.
    """
    devices.prepare(config)
    with file_errors.in_one_line():
        if config.num_seeds > 1 and config.mode != "label_curve":
            repeat.run(config, run_once)
        else:
            run_once(config)
        told = next_steps.after(config)
    if told:
        logging.info(told)


def run_once(config):
    """As `run`, with one seed; returns what the task returns."""
    return _RUN[config.mode](given_data.adopt(precision.settle(config)))


def train(config):
    """Trains in the manner of `train_mode`; returns its `Result`."""
    return _TRAIN[config.train_mode](given_data.settle_training(config))


def train_then_evaluate(config):
    """Trains, then scores the last checkpoint; returns the result."""
    config = given_data.settle_training(config)
    _TRAIN[config.train_mode](config)
    return evaluate.run(config, follow=False)


_RUN = {
    "train": train,
    "eval": evaluate.run,
    "train_then_eval": train_then_evaluate,
    "export": export.run,
    "import": import_checkpoint.run,
    "plan": plan.run,
    "compare": compare.run,
    "label_curve": label_curve.run,
}
