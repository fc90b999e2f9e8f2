"""`--eval_protocol=frozen`: what frozen features know."""

import functools

from simclr_tf.data import labelled, subsets
from simclr_tf.evaluation import (
    features,
    knn,
    label_budgets,
    methods,
    npz_file,
)
from simclr_tf.scoring import baselines, block_probes, frozen_features
from simclr_tf.setup import given_images, model_dir
from simclr_tf.training import console
from simclr_tf.viz import label_budgets as plot
from simclr_tf.viz import table

TRAINED = {
    "pretrain": "pretrained",
    "finetune": "fine-tuned",
    "distill": "distilled",
}
"""First row of the table, by how the encoder was trained last."""
RANDOM, PIXELS = "random init", "raw pixels"
"""Rows of the baselines."""


def run(config, model, test_source, step):
    """Scores an encoder and the baselines asked for, and shows the table.

    Args:
        config: a `Config`.
        model: the pretrained `SimCLR` model.
        test_source: the labelled evaluation `Source`.
        step: the checkpoint's step.

    Returns:
        (result, draw): a JSON-able dict of row name -> list of scores and,
        with `probe_blocks`, "blocks" -> list of probes; and a function
        without arguments that draws the curves, to be called once the result
        is written.

    Raises:
        errors.UserError: if the training images cannot meet what is asked.
    """
    sources = (given_images.open_labelled(config, "train_split"), test_source)
    extractors = encoders(config, model, sources[0])
    rows = {
        name: score_row(config, extractor, sources)
        for name, extractor in extractors.items()
    }
    show(config, rows, sources[0])
    result = {
        name: [score.record() for score in scores]
        for name, scores in rows.items()
    }
    name = TRAINED[config.train_mode]
    arrays = classifiers_of(rows[name])
    arrays |= scaling_of(extractors[name], sources[0])
    if config.probe_blocks:
        probes = block_probes.run(config, extractors[name], sources)
        result["blocks"] = [probe.record() for probe in probes]
        arrays |= block_probes.classifiers_of(probes)
    write_classifiers(config, step, arrays)
    frozen_features.sweep(
        config, keep=[e for name, e in extractors.items() if name != PIXELS]
    )
    return result, functools.partial(draw, config, rows, step, sources)


def score_row(config, extractor, sources):
    """The `label_budgets.Score`s of one encoder.

    Args:
        config: a `Config`.
        extractor: `FrozenFeatures`, or the like.
        sources: the training and the test `Source`.
    """
    train, test = (
        extractor.load(source)[frozen_features.FEATURES] for source in sources
    )
    return label_budgets.evaluate(
        train,
        test,
        num_classes=sources[1].num_classes,
        protocol=make_protocol(config),
    )


def make_protocol(config):
    """The `label_budgets.Protocol` of a configuration."""
    return label_budgets.Protocol(
        methods=tuple(_METHODS[name](config) for name in config.eval_methods),
        budgets=config.eval_label_budgets,
        num_draws=config.eval_label_draws,
        holdout_fraction=config.holdout_fraction,
        seed=config.seed,
    )


def _neighbors(config):
    if config.knn_grid:
        return methods.Neighbors()
    return methods.Neighbors((config.knn_neighbors,), (config.knn_temperature,))


_METHODS = {
    "knn": _neighbors,
    "linear": lambda config: methods.logistic_regression(config.probe_l2),
    "least_squares": lambda _: methods.few_shot_least_squares(),
}


def check(config, source):
    """Refuses what the training images cannot meet.

    Args:
        config: a `Config`.
        source: the labelled training `Source`.

    Raises:
        errors.UserError: naming the budget and the class.
    """
    num_labelled = labelled.count(source)
    if num_labelled is None:  # only known when read
        num_labelled = source.num_examples
    if "knn" in config.eval_methods and not config.knn_grid:
        knn.warn_of_few_images(config.knn_neighbors, num_labelled)
    if source.labels is None:
        return
    kept = source.labels[labelled.indices(source.labels)]
    for budget in config.eval_label_budgets:
        subsets.per_class_count(budget, kept)


def encoders(config, model, train_source):
    """Row name -> what loads its features, the trained first.

    Args:
        config: a `Config`.
        model: the trained `SimCLR` model.
        train_source: the training `Source`.
    """
    endpoints = (frozen_features.FEATURES,)
    if config.probe_blocks:
        endpoints = block_probes.ENDPOINTS
    rows = {
        TRAINED[config.train_mode]: frozen_features.FrozenFeatures(
            config, model, endpoints=endpoints
        )
    }
    if "random" in config.eval_baselines:
        untrained = baselines.make_untrained(config, train_source)
        rows[RANDOM] = frozen_features.FrozenFeatures(config, untrained)
    if "pixels" in config.eval_baselines:
        rows[PIXELS] = baselines.Pixels(config)
    return rows


def classifiers_of(scores):
    """Arrays of every linear classifier, by method, budget and draw.

    They are of features standardised over the training images, see
    `scaling_of`.

    Args:
        scores: list of `label_budgets.Score`.
    """
    return {
        f"{score.method}/{score.budget}/{draw}/{part}": array
        for score in scores
        if score.method != "knn"
        for draw, fitted in enumerate(score.fitted)
        for part, array in fitted._asdict().items()
    }


def scaling_of(extractor, source):
    """Arrays of the `features.Scaling` that the classifiers are fitted after.

    Args:
        extractor: `FrozenFeatures`.
        source: the training `Source`.
    """
    train = extractor.load(source)[frozen_features.FEATURES]
    scaling = features.scaling_of(train)
    return {f"scaling/{name}": a for name, a in scaling._asdict().items()}


def write_classifiers(config, step, arrays):
    """Writes `report/classifiers_<step>.npz`."""
    if not arrays:
        return
    path = model_dir.report_path(config.model_dir, f"classifiers_{step}.npz")
    npz_file.save(path, arrays)


def show(config, rows, train_source):
    """Prints the table."""
    console.show(table.render(rows))
    if RANDOM in rows:
        console.show(f"{RANDOM}: {baselines.note(config, train_source)}")


def draw(config, rows, step, sources):
    """Draws the curves of the table into `report/`.

    Args:
        config: a `Config` with `model_dir`.
        rows: dict of row name -> list of `label_budgets.Score`s.
        step: the checkpoint's step.
        sources: the training and the test `Source`.
    """
    train_source, test_source = sources
    footer = (
        f"{config.dataset}: {train_source.num_examples} training and "
        f"{test_source.num_examples} test images, step {step}, seed "
        f"{config.seed}, bars are standard deviations over label draws"
    )
    for method in config.eval_methods:
        plot.save_plot(
            model_dir.report_path(config.model_dir, f"{method}.png"),
            rows,
            method=method,
            footer=footer,
        )
