"""`--mode=label_curve`: accuracy against labels, by several methods."""

import os

import tensorflow as tf
from absl import logging

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.evaluation import features, label_budgets
from simclr_tf.tasks import (
    components,
    eval_checks,
    evaluate,
    finetune,
    frozen,
    frozen_features,
    given_checkpoint,
    model_dir,
    seen_labels,
)
from simclr_tf.training import whole_file
from simclr_tf.viz import label_curve as plot

TOP_1 = "eval/label_top_1_accuracy"
SCRATCH, FINETUNE = "scratch", "finetune"
_SHARED = ("checkpoint", "eval_split", "eval_steps")
"""What the runs of a curve share, beyond what a resumed run must."""


def run(config):
    """Scores every method at every fraction with every seed.

    All methods see the same labels at a fraction and a seed. Runs of training
    lie in `model_dir/<method>/<fraction>/seed_<n>`: one that was killed goes
    on, one that was scored is not touched again. Writes `label_curve.csv`,
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
    model_dir.check_no_run(config.model_dir, "a curve is made of many")
    sources = [
        components.open_labelled(config, field)
        for field in ("train_split", "eval_split")
    ]
    eval_checks.check_classes(sources[1], sources[0].num_classes)
    eval_checks.warn_of_training_images(config)
    draws = draw_labels(config, sources[0])
    check_former(config, draws)
    check_frozen(config, sources[0])
    points = frozen_points(config, sources, draws)
    for (fraction, seed), draw in draws.items():
        for method in (SCRATCH, FINETUNE):
            if method in config.curve_methods:
                accuracy = train_and_score(config, method, fraction, seed)
                points.append(
                    plot.Point(method, fraction, len(draw), seed, accuracy)
                )
    report(config, points, sources)
    return points


def draw_labels(config, source):
    """dict of (fraction, seed) -> the indices whose labels are seen.

    Raises:
        errors.UserError: if a class would get no label.
    """
    seeds = range(config.seed, config.seed + config.num_seeds)
    return {
        (fraction, seed): seen_labels.choose(
            of_run(config, FINETUNE, fraction, seed), source
        )
        for fraction in config.label_fractions
        for seed in seeds
    }


def check_former(config, draws):
    """Raises `UserError` if runs that are there are of another curve.

    They would be taken as they are, beside points of what is asked for now.

    Args:
        config: a `Config`.
        draws: of `draw_labels`.
    """
    for fraction, seed in draws:
        for method in (SCRATCH, FINETUNE):
            _check_shared(of_run(config, method, fraction, seed))


def _check_shared(config):
    former = model_dir.read_run(config.model_dir)
    for name in _SHARED if former else ():
        ours, theirs = getattr(config, name), getattr(former["config"], name)
        if ours != theirs:
            raise errors.UserError(
                f"{name} must be {theirs!r}, as in the run "
                f"{config.model_dir!r}; got {ours!r}"
            )


def of_run(config, method, fraction, seed):
    """The configuration of one run of training."""
    directory = os.path.join(
        config.model_dir, method, f"{100 * fraction:g}pct", f"seed_{seed}"
    )
    changes = scratch_changes(config) if method == SCRATCH else {}
    return config.replace(
        mode="train_then_eval",
        train_mode="finetune",
        eval_protocol="online",
        label_fraction=fraction,
        labels_per_class=0,
        label_file=None,
        seed=seed,
        num_seeds=1,
        model_dir=directory,
        **changes,
    )


def scratch_changes(config):
    """What the supervised baseline has of its own."""
    return {
        "from_scratch": True,
        "fine_tune_after_block": -1,
        "train_epochs": config.scratch_train_epochs or 2 * config.train_epochs,
        "train_steps": (
            0 if config.scratch_train_epochs else 2 * config.train_steps
        ),
        "learning_rate": config.scratch_learning_rate or config.learning_rate,
    }


def train_and_score(config, method, fraction, seed):
    """Top-1 accuracy of one run, which is trained if need be."""
    config = of_run(config, method, fraction, seed)
    logging.info(
        "%s, %g%% of the labels, seed %d", method, 100 * fraction, seed
    )
    step = finetune.run(config)
    path = os.path.join(config.model_dir, f"result_{step}.json")
    if tf.io.gfile.exists(path):
        return whole_file.read_json(path)[TOP_1]
    return evaluate.run(config, follow=False)[TOP_1]


def frozen_methods(config):
    """The methods of the curve that fit on frozen features."""
    return [m for m in ("linear", "knn") if m in config.curve_methods]


def check_frozen(config, source):
    """Raises `UserError` if the labels cannot meet the frozen methods."""
    wanted = frozen_methods(config)
    if wanted:
        budgets = [budget_of(fraction) for fraction in config.label_fractions]
        frozen.check(
            config.replace(eval_methods=wanted, eval_label_budgets=budgets),
            source,
        )


def budget_of(fraction):
    """A fraction as a label budget."""
    return f"{100 * fraction:g}%"


def frozen_points(config, sources, draws):
    """The points of kNN and of the linear probe.

    Settings are chosen as in `label_budgets.evaluate`, once per fraction.

    Args:
        config: a `Config`.
        sources: the training and the test `Source`.
        draws: of `draw_labels`.
    """
    wanted = frozen_methods(config)
    if not wanted:
        return []
    config = config.replace(eval_methods=wanted)
    train, test = load_features(config, sources)
    protocol = frozen.make_protocol(config)
    num_classes = sources[0].num_classes
    points = []
    for method in protocol.methods:
        settings = {
            fraction: label_budgets.choose(
                method, budget_of(fraction), train, num_classes, protocol
            )
            for fraction in config.label_fractions
        }
        for (fraction, seed), draw in draws.items():
            fitted = method.fit(
                train.take(draw), num_classes=num_classes, **settings[fraction]
            )
            hits = fitted.predict(test.values) == test.labels
            points.append(
                plot.Point(
                    method.name, fraction, len(draw), seed, float(hits.mean())
                )
            )
    return points


def load_features(config, sources):
    """Standardised features of both sources, by the given checkpoint."""
    known, facts = given_checkpoint.recall(
        Config(mode="eval", checkpoint=config.checkpoint)
    )
    del known  # the architecture is in `config` already
    model = components.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(config.checkpoint, model)
    extractor = frozen_features.FrozenFeatures(config, model)
    found = [extractor.load(s)[frozen_features.FEATURES] for s in sources]
    return features.standardize(*found)


def report(config, points, sources):
    """Prints the table, writes CSV files and the picture."""
    summary = plot.summarize(points)
    print(plot.render(summary), flush=True)
    directory = os.path.join(config.model_dir, model_dir.REPORT_DIRECTORY)
    tf.io.gfile.makedirs(directory)
    for name, rows in (("", points), ("_summary", summary)):
        path = os.path.join(directory, f"label_curve{name}.csv")
        whole_file.write_text(path, plot.to_csv(rows))
    train, test = sources
    plot.save_plot(
        os.path.join(directory, "label_curve.png"),
        summary,
        footer=(
            f"{train.name}: {train.num_examples} training and "
            f"{test.num_examples} test images, {config.num_seeds} seeds, bars "
            f"are 95% intervals"
        ),
    )
    logging.info("written to %s", directory)
