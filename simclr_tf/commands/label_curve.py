"""`--mode=label_curve`: accuracy against labels, by several methods."""

import os

import tensorflow as tf
from absl import logging

from simclr_tf import files
from simclr_tf.commands.curve import frozen_points, record, trainings
from simclr_tf.evaluation import fingerprint
from simclr_tf.methods import seen_labels
from simclr_tf.scoring import eval_checks
from simclr_tf.setup import (
    given_checkpoint,
    given_data,
    given_images,
    model_dir,
)
from simclr_tf.training import console
from simclr_tf.viz import label_curve as plot


def run(config):
    """Scores every method at every fraction with every seed.

    All methods see the same labels at a fraction and a seed, and no others,
    not even to choose a setting. Runs of training lie in
    `model_dir/<method>/<fraction>/seed_<n>`: one that was killed goes on, one
    that was scored is not touched again. Writes `label_curve.csv`,
    `label_curve_summary.csv` and `label_curve.png` to `report/`.

    Args:
        config: a `Config`; its flags of training are those of fine-tuning.

    Returns:
        A list of `viz.label_curve.Point`s.

    Raises:
        errors.UserError: if a fraction leaves a class without a label, or
            `model_dir` is that of a run or of another curve.
    """
    config = given_checkpoint.adopt_architecture(config)
    config = given_data.settle_training(config)
    model_dir.check_no_run(config.model_dir, "a curve is made of many")
    sources = open_sources(config)
    draws = draw_labels(config, sources[0])
    frozen_points.check(config, sources[0])
    model = frozen_points.load_model(config)
    record.claim(config, fingerprint.of_model(model))
    points = frozen_points.points(config, model, sources, draws)
    points += trained_points(config, draws)
    report(config, points, sources)
    return points


def open_sources(config):
    """The training and the test `Source`, both labelled alike."""
    train, test = (
        given_images.open_labelled(config, field)
        for field in ("train_split", "eval_split")
    )
    eval_checks.check_classes_of_splits(train, test)
    eval_checks.warn_of_training_images(config)
    return train, test


def draw_labels(config, source):
    """dict of (fraction, seed) -> the indices whose labels are seen.

    Raises:
        errors.UserError: if a class would get no label.
    """
    seeds = range(config.seed, config.seed + config.num_seeds)
    return {
        (fraction, seed): seen_labels.choose(
            trainings.of_run(config, trainings.FINETUNE, fraction, seed),
            source,
        )
        for fraction in config.label_fractions
        for seed in seeds
    }


def trained_points(config, draws):
    """The points of the methods that train a network.

    Args:
        config: a `Config`.
        draws: of `draw_labels`.
    """
    known = (trainings.SCRATCH, trainings.FINETUNE)
    wanted = [method for method in known if method in config.curve_methods]
    found = []
    for (fraction, seed), draw in draws.items():
        for method in wanted:
            accuracy = trainings.train_and_score(config, method, fraction, seed)
            found.append(
                plot.Point(method, fraction, len(draw), seed, accuracy)
            )
    return found


def report(config, points, sources):
    """Prints the table, writes CSV files and the picture."""
    summary = plot.summarize(points)
    console.show(plot.render(summary))
    directory = os.path.join(config.model_dir, model_dir.REPORT_DIRECTORY)
    tf.io.gfile.makedirs(directory)
    for name, rows in (("", points), ("_summary", summary)):
        path = os.path.join(directory, f"label_curve{name}.csv")
        files.write_text(path, plot.to_csv(rows))
    train, test = sources
    plot.save_plot(
        os.path.join(directory, "label_curve.png"),
        summary,
        footer=(
            f"{train.name}: {train.num_examples} training and "
            f"{test.num_examples} test images, up to {config.num_seeds} seeds, "
            f"bars are 95% intervals"
        ),
    )
    logging.info("written to %s", directory)
