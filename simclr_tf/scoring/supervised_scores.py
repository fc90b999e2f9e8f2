"""Scores of the supervised head, and what is kept of its predictions."""

import functools
import itertools

import numpy as np
from absl import logging

from simclr_tf import errors, files
from simclr_tf.config import derived
from simclr_tf.evaluation import metrics, per_class, predictions
from simclr_tf.optim import decay
from simclr_tf.scoring import saved_predictions
from simclr_tf.setup import given_images, model_dir, networks
from simclr_tf.training import frozen_blocks
from simclr_tf.viz import class_table
from simclr_tf.viz import confusion as confusion_plot

MOST_CLASSES_SHOWN = 20
"""Classes up to which the table is shown; the CSV file has all."""


def head_name(config, facts):
    """What to call the supervised head: after what it was trained by."""
    is_probe = config.train_mode == "pretrain"
    if is_probe and model_dir.IMPORTED not in facts:
        return "online probe"
    return "supervised head"


def score(config, model, source, step, *, head="supervised head"):
    """Scores one checkpoint; writes its predictions and the class table.

    Args:
        config: a `Config` with `model_dir`.
        model: a built `SimCLR` with a supervised head.
        source: the labelled evaluation `Source`.
        step: the checkpoint's step.
        head: what to call the head, see `head_name`.

    Returns:
        (scores, draw): a dict of the official keys and
        `eval/mean_per_class_accuracy`, and a function without arguments that
        draws the confusion matrix, to be called once the scores are written.

    Raises:
        errors.UserError: if no image has a label, or a logit is no number.

    Source: official tf2/run.py, `perform_evaluation` (keys).
    """
    found = classify(config, model, source)
    confusion = metrics.confusion_matrix(
        found.predicted, found.labels, num_classes=source.num_classes
    )
    path = saved_predictions.path_of(config.model_dir, step)
    predictions.save(path, found)
    write_class_table(config, source, confusion, step, head=head)
    scores = {
        "eval/label_top_1_accuracy": float(found.top_k_hits(1).mean()),
        "eval/label_top_5_accuracy": float(found.top_k_hits(5).mean()),
        "eval/mean_per_class_accuracy": float(
            np.nanmean(metrics.per_class_accuracy(confusion))
        ),
        "eval/regularization_loss": regularization_loss(config, model),
    }
    draw = functools.partial(draw_confusion, config, source, confusion, step)
    return scores, draw


def classify(config, model, source):
    """Runs the head over the split, or over `eval_steps` batches of it.

    Padding rows are left out, and images whose label is not to be used. All
    logits are held for one batch at a time.

    Returns:
        `predictions.Predictions`.

    Raises:
        errors.UserError: as `score`.
    """
    encode = networks.encoder_function(model, head=True)
    num_batches = derived.eval_steps(config, source.num_examples)
    batches = given_images.eval_batches(config, source)
    parts, num_nan = [], 0
    for batch in itertools.islice(batches, num_batches):
        real = batch["mask"].numpy() > 0
        logits = np.asarray(encode(batch["images"])[1])[real]
        logits = logits.astype(np.float32)  # of bfloat16
        num_nan += np.isnan(logits).any(axis=1).sum()
        labels = batch["labels"].numpy()[real]
        parts.append(predictions.from_logits(logits, labels))
    found = predictions.concatenate(parts)
    labelled = found.labels >= 0
    if not labelled.any():
        raise errors.UserError(
            f"eval_split must have labels; those of {source.name!r} split "
            f"{source.split!r} are all withheld"
        )
    if num_nan:
        raise errors.UserError(
            "checkpoint must give logits that are numbers; of "
            f"{num_nan} images they are not"
        )
    found = found._replace(examples=name_examples(source)[: len(labelled)])
    return predictions.Predictions(*(column[labelled] for column in found))


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
        for variable in networks.l2_loss_variables(config, model)
        if id(variable) not in frozen
    ]
    return float(config.weight_decay * decay.l2_loss(decayed))


def write_class_table(config, source, confusion, step, *, head):
    """Writes every class's score to `report/`.

    The scores of few classes are logged as well.

    Args:
        config: a `Config` with `model_dir`.
        source: the labelled evaluation `Source`.
        confusion: of `metrics.confusion_matrix`.
        step: the checkpoint's step.
        head: what to call the classifier.
    """
    scores = per_class.scores(confusion, class_names=source.class_names)
    files.write_text(
        model_dir.report_path(config.model_dir, f"per_class_{step}.csv"),
        class_table.render_csv(scores),
    )
    if len(scores) <= MOST_CLASSES_SHOWN:
        for line in class_table.render(scores, classifier=head):
            logging.info(line)


def draw_confusion(config, source, confusion, step):
    """Draws the confusion matrix, or its worst pairs, into `report/`.

    Args:
        config: a `Config` with `model_dir`.
        source: the labelled evaluation `Source`.
        confusion: of `metrics.confusion_matrix`.
        step: the checkpoint's step.
    """
    names = source.class_names or [str(c) for c in range(source.num_classes)]
    confusion_plot.save_plot(
        model_dir.report_path(config.model_dir, f"confusion_{step}.png"),
        confusion,
        class_names=names,
        footer=(
            f"{source.name} {source.split}: {confusion.sum()} images, "
            f"step {step}"
        ),
    )
