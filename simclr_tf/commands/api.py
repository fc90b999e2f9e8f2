"""The same from Python, for notebooks and scripts.

What belongs to the whole process is the caller's: random states, logging and
the arithmetic of GPUs are after a call what they were before it.
"""

import contextlib
import os
import typing

from absl import logging

from simclr_tf import errors
from simclr_tf.commands import evaluate as evaluation
from simclr_tf.commands import modes
from simclr_tf.config import Config
from simclr_tf.keras_api import model as keras_model
from simclr_tf.methods import training_run
from simclr_tf.setup import (
    devices,
    file_errors,
    given_checkpoint,
    given_data,
    networks,
    precision,
)
from simclr_tf.training import console


def pretrain(config: Config) -> training_run.Result:
    """Pretrains as the command line does, showing its progress.

    Args:
        config: a `simclr_tf.Config` with `model_dir`.

    Returns:
        `Result(model, step, metrics)`: the trained `SimCLR`, the final step,
        and the last value of every metric.

    Raises:
        errors.UserError: if the configuration and the data do not fit.
    """
    return _train(config, "pretrain")


def finetune(config: Config) -> training_run.Result:
    """Trains on labels as the command line does, showing its progress.

    Args:
        config: a `simclr_tf.Config` with `train_mode="finetune"`,
            `model_dir`, and `checkpoint` or `from_scratch`.

    Returns:
        `Result(model, step, metrics)`: the trained `SimCLR`, the final step,
        and the last value of every metric.

    Raises:
        errors.UserError: if configuration, labels and checkpoint do not fit.
    """
    return _train(config, "finetune")


def distill(config: Config) -> training_run.Result:
    """Trains a student as the command line does, showing its progress.

    Args:
        config: a `simclr_tf.Config` with `train_mode="distill"`,
            `model_dir` and `teacher`.

    Returns:
        `Result(model, step, metrics)`: the trained `SimCLR`, the final step,
        and the last value of every metric.

    Raises:
        errors.UserError: if configuration, data and teacher do not fit.
    """
    return _train(config, "distill")


def evaluate(config: Config) -> dict[str, typing.Any]:
    """Scores the newest checkpoint and exports it; waits for no other.

    It is written to `model_dir/saved_model/<step>`, the scores to
    `model_dir/result.json`.

    Args:
        config: a `simclr_tf.Config`, the one that was trained with, or one
            with `mode="eval"`: fields not set are taken from the run in
            `model_dir`, or from `checkpoint`.

    Returns:
        dict of scores, fractions of 1, under the official keys such as
        "eval/label_top_1_accuracy", and "global_step".

    Raises:
        errors.UserError: if there is nothing to score or to score with.
    """
    with _prepared(config) as settled:
        return evaluation.run(settled, follow=False)


def load_model(
    path: str | os.PathLike, **flags: typing.Any
) -> keras_model.SimCLR:
    """The network in a checkpoint of any kind, with its weights.

    Args:
        path: a `model_dir`, a checkpoint, or a SavedModel, ours or official.
        **flags: fields of `Config` that a checkpoint does not tell, such as
            `image_size` or `ft_proj_selector`; not `tf32`.

    Returns:
        A built `SimCLR` for one device, its supervised head included where
        there is one. It computes in the precision of its run. TF32 is of the
        whole process and stays as it is; where it was otherwise for the run,
        a warning says so.

    Raises:
        errors.UserError: if the path holds no such network, or a flag
            describes another one.
    """
    if "tf32" in flags:
        raise errors.UserError(
            "tf32 must not be given to load_model, as it is of the whole "
            f"process; got {flags['tf32']!r}: call "
            "tf.config.experimental.enable_tensor_float_32_execution"
        )
    config = Config(mode="eval", checkpoint=os.fspath(path), **flags)
    path = config.checkpoint
    devices.check(config)
    with (
        file_errors.in_one_line(),
        console.speaking_plainly(logging.get_verbosity()),
    ):
        config, facts = given_checkpoint.recall(precision.settle(config))
        devices.warn_of_other_products(config)
        model = networks.make_eval_model(
            config, num_classes=facts["num_classes"]
        )
        given_checkpoint.load(path, model)
    return model


def _train(config, train_mode):
    if config.train_mode != train_mode:
        raise errors.UserError(
            f"train_mode must be {train_mode!r} for {train_mode}(config); got "
            f"{config.train_mode!r}"
        )
    with _prepared(config) as settled:
        return modes.train(settled)


@contextlib.contextmanager
def _prepared(config):
    """What every run from Python is within; gives a `Config` that is settled.

    Repeating is the command line's; a script has loops of its own.
    """
    if config.num_seeds > 1:
        raise errors.UserError(
            "num_seeds must be 1 from Python (call once per seed and "
            f"model_dir); got {config.num_seeds}"
        )
    with file_errors.in_one_line(), devices.kept(), console.speaking_plainly():
        devices.prepare(config)
        yield given_data.adopt(precision.settle(config))
