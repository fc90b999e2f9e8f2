"""`--eval_protocol=frozen`: kNN and linear probes on frozen features."""

import os

import numpy as np
import tensorflow as tf

from simclr_tf.data import subsets
from simclr_tf.evaluation import features, label_budgets, logistic
from simclr_tf.tasks import components
from simclr_tf.viz import label_budgets as plot
from simclr_tf.viz import table


def run(config, model, test_source, step):
    """Scores an encoder and the baselines asked for, and shows the table.

    Args:
        config: a `Config`.
        model: the pretrained `SimCLR` model.
        test_source: the labelled evaluation `Source`.
        step: the checkpoint's step.

    Returns:
        JSON-able dict of row name -> list of scores.
    """
    train_source = components.open_labelled(config, "train_split")
    protocol = make_protocol(config)
    rows = {}
    for name, encode in encoders(config, model).items():
        train, test = (
            features.extract(encode, components.eval_batches(config, source))
            for source in (train_source, test_source)
        )
        rows[name] = label_budgets.evaluate(
            train,
            test,
            num_classes=test_source.num_classes,
            protocol=protocol,
        )
    show(config, rows, step, train_source, test_source)
    return {
        name: [score._asdict() for score in scores]
        for name, scores in rows.items()
    }


def make_protocol(config):
    """The `label_budgets.Protocol` of a configuration."""
    return label_budgets.Protocol(
        budgets=tuple(config.eval_label_budgets),
        num_draws=config.eval_label_draws,
        probe_l2=config.probe_l2 or logistic.PENALTIES,
        neighbors=config.knn_neighbors,
        temperature=config.knn_temperature,
        holdout_fraction=config.holdout_fraction,
        seed=config.seed,
    )


def check_budgets(config, labels):
    """Refuses label budgets that the training labels cannot meet.

    Args:
        config: a `Config`.
        labels: int32 [n], or None where they are only known when read.

    Raises:
        errors.UserError: naming the budget and the class.
    """
    if labels is None:
        return
    kept = labels
    if len(config.probe_l2) != 1:
        indices, _ = subsets.hold_out(
            labels, config.holdout_fraction, seed=config.seed
        )
        kept = labels[indices]
    for budget in config.eval_label_budgets:
        subsets.per_class_count(budget, kept)


def encoders(config, model):
    """Row name -> function from images to features, the pretrained first."""
    rows = {"pretrained": components.encoder_function(model)}
    if "random" in config.eval_baselines:
        untrained = components.make_eval_model(config, num_classes=None)
        rows["random init"] = components.encoder_function(untrained)
    if "pixels" in config.eval_baselines:
        rows["raw pixels"] = flatten_pixels
    return rows


def flatten_pixels(images):
    """float32 [b, S, S, 3] -> [b, 3 S S]."""
    return tf.reshape(images, [-1, np.prod(images.shape[1:])])


def show(config, rows, step, train_source, test_source):
    """Prints the table and draws its curves into `report/`."""
    print(table.render(rows), flush=True)
    directory = os.path.join(config.model_dir, "report")
    tf.io.gfile.makedirs(directory)
    footer = (
        f"{config.dataset}: {train_source.num_examples} training and "
        f"{test_source.num_examples} test images, step {step}, seed "
        f"{config.seed}, bars are standard deviations over label draws"
    )
    for method in ("knn", "linear"):
        plot.save_plot(
            os.path.join(directory, f"{method}.png"),
            rows,
            method=method,
            footer=footer,
        )
