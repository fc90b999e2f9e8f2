"""Scores of the supervised head, and what is kept of its predictions.

Dimension letters: `n` images that have a label, `K` classes.
"""

import itertools
import os
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf import errors
from simclr_tf.config import derived
from simclr_tf.evaluation import features, metrics, per_class, predictions
from simclr_tf.optim import decay
from simclr_tf.tasks.scoring import saved_predictions
from simclr_tf.tasks.setup import components, model_dir
from simclr_tf.training import frozen_blocks, whole_file
from simclr_tf.viz import class_table
from simclr_tf.viz import confusion as confusion_plot

MOST_CLASSES_SHOWN = 20
"""Classes up to which the table is shown; the CSV file has all."""


class Classified(NamedTuple):
    """What the head says of a split, or of its first batches.

    Attributes:
        logits: float32 [n, K].
        labels: int32 [n].
        examples: [n], see `predictions.Predictions`.
    """

    logits: np.ndarray
    labels: np.ndarray
    examples: np.ndarray


def score(config, model, source, step):
    """Scores one checkpoint; writes its report and its predictions.

    Args:
        config: a `Config` with `model_dir`.
        model: a built `SimCLR` with a supervised head.
        source: the labelled evaluation `Source`.
        step: the checkpoint's step.

    Returns:
        dict of the official keys and `eval/mean_per_class_accuracy`.

    Raises:
        errors.UserError: if no image has a label, or a logit is no number.

    Source: official tf2/run.py, `perform_evaluation` (keys).
    """
    found = classify(config, model, source)
    predicted = predictions.from_logits(
        found.logits, found.labels, examples=found.examples
    )
    confusion = metrics.confusion_matrix(
        predicted.predicted, found.labels, num_classes=source.num_classes
    )
    path = saved_predictions.path_of(config.model_dir, step)
    predictions.save(path, predicted)
    write_report(config, source, confusion, step)
    return {
        "eval/label_top_1_accuracy": top_k(found, 1),
        "eval/label_top_5_accuracy": top_k(found, 5),
        "eval/mean_per_class_accuracy": float(
            np.nanmean(metrics.per_class_accuracy(confusion))
        ),
        "eval/regularization_loss": regularization_loss(config, model),
    }


def classify(config, model, source):
    """Runs the head over the split, or over `eval_steps` batches of it.

    Padding rows are left out, and images whose label is not to be used.

    Returns:
        `Classified`.

    Raises:
        errors.UserError: as `score`.
    """
    encode = components.encoder_function(model, head=True)
    num_batches = derived.eval_steps(config, source.num_examples)
    batches = components.eval_batches(config, source)
    found = features.extract(
        lambda images: encode(images)[1],
        itertools.islice(batches, num_batches),
    )
    labelled = found.labels >= 0
    if not labelled.any():
        raise errors.UserError(
            f"eval_split must have labels; those of {source.name!r} split "
            f"{source.split!r} are all withheld"
        )
    if np.isnan(found.values).any():
        raise errors.UserError(
            "checkpoint must give logits that are numbers; of "
            f"{np.isnan(found.values).any(axis=1).sum()} images they are not"
        )
    examples = name_examples(source)[: len(labelled)]
    return Classified(
        found.values[labelled], found.labels[labelled], examples[labelled]
    )


def name_examples(source):
    """File names in stored order where they are told apart, else numbers.

    Args:
        source: any `Source`.

    Returns:
        [num_examples] of str, or int64 indices in the split.
    """
    names = source.example_names()
    if names is None or len(set(names)) < len(names):
        return np.arange(source.num_examples)
    return np.asarray(names)


def top_k(found, k):
    """Fraction of labels among the k best classes, in [0, 1]."""
    return metrics.top_k_accuracy(found.logits, found.labels, k=k)


def regularization_loss(config, model):
    """The L2 loss that training adds to its own; nothing frozen is in it."""
    frozen = {
        id(variable)
        for part in frozen_blocks.frozen_parts(
            model.encoder, config.fine_tune_after_block
        )
        for variable in part.variables
    }
    decayed = [
        variable
        for variable in components.l2_loss_variables(config, model)
        if id(variable) not in frozen
    ]
    return float(config.weight_decay * decay.l2_loss(decayed))


def write_report(config, source, confusion, step):
    """Writes every class's score and the confusion matrix to `report/`.

    Of few classes the scores are shown, too.
    """
    scores = per_class.scores(confusion, class_names=source.class_names)
    directory = os.path.join(config.model_dir, model_dir.REPORT_DIRECTORY)
    tf.io.gfile.makedirs(directory)
    whole_file.write_text(
        os.path.join(directory, f"per_class_{step}.csv"),
        class_table.render_csv(scores),
    )
    confusion_plot.save_plot(
        os.path.join(directory, f"confusion_{step}.png"),
        confusion,
        class_names=[score.name for score in scores],
        footer=(
            f"{source.name} {source.split}: {confusion.sum()} images, "
            f"step {step}"
        ),
    )
    if len(scores) <= MOST_CLASSES_SHOWN:
        for line in class_table.render(scores):
            logging.info(line)
