"""The runs of training of a label-efficiency curve, each in its place."""

import os

import tensorflow as tf
from absl import logging

from simclr_tf import files
from simclr_tf.commands import evaluate
from simclr_tf.methods import finetune

SCRATCH, FINETUNE = "scratch", "finetune"
TOP_1 = "eval/label_top_1_accuracy"


def of_run(config, method, fraction, seed):
    """The configuration of one run of training.

    Args:
        config: the `Config` of the curve.
        method: `SCRATCH` or `FINETUNE`.
        fraction: of the labels, in (0, 1].
        seed: of the draw and the training.
    """
    directory = os.path.join(
        config.model_dir, method, f"{100 * fraction:g}pct", f"seed_{seed}"
    )
    changes = scratch_changes(config) if method == SCRATCH else {}
    return config.replace(
        mode="train_then_eval",
        train_mode="finetune",
        eval_protocol="online",
        label_fraction=fraction,
        seed=seed,
        num_seeds=1,
        extend=False,
        model_dir=directory,
        **changes,
    )


def scratch_changes(config):
    """What the supervised baseline has of its own, as a dict of fields."""
    epochs = config.scratch_train_epochs
    return {
        "from_scratch": True,
        "fine_tune_after_block": -1,
        "keep_logits_layer": False,
        "train_epochs": epochs or 2 * config.train_epochs,
        "train_steps": 0 if epochs else 2 * config.train_steps,
        "learning_rate": config.scratch_learning_rate or config.learning_rate,
    }


def train_and_score(config, method, fraction, seed):
    """Top-1 accuracy of one run, which is trained and scored if need be.

    Args:
        config: the `Config` of the curve.
        method: as in `of_run`.
        fraction: as in `of_run`.
        seed: as in `of_run`.
    """
    config = of_run(config, method, fraction, seed)
    logging.info(
        "%s, %g%% of the labels, seed %d", method, 100 * fraction, seed
    )
    step = finetune.run(config).step
    path = os.path.join(config.model_dir, f"result_{step}.json")
    if tf.io.gfile.exists(path):
        return files.read_json(path)[TOP_1]
    return evaluate.run(config, follow=False)[TOP_1]
