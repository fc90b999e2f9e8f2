"""The points of a label-efficiency curve that frozen features give."""

import numpy as np
from absl import logging

from simclr_tf.config import Config
from simclr_tf.data import labelled
from simclr_tf.evaluation import features, label_budgets
from simclr_tf.scoring import frozen, frozen_features
from simclr_tf.setup import given_checkpoint, networks
from simclr_tf.viz import label_curve as plot

METHODS = ("linear", "knn")


def load_model(config):
    """The network that the checkpoint holds, heads and all.

    Its heads are its own, whatever those of fine-tuning are to be.
    """
    known, facts = given_checkpoint.recall(
        Config(mode="eval", checkpoint=config.checkpoint)
    )
    model = networks.make_eval_model(
        config.replace(
            **known.architecture(), ft_proj_selector=known.ft_proj_selector
        ),
        num_classes=facts["num_classes"],
    )
    given_checkpoint.load(config.checkpoint, model)
    return model


def check(config, source):
    """Raises `UserError` for more neighbours than training images.

    Args:
        config: the `Config` of the curve.
        source: the labelled training `Source`.
    """
    wanted = _wanted(config)
    if wanted:
        whole = config.replace(eval_methods=wanted, eval_label_budgets=("all",))
        frozen.check(whole, source)


def points(config, model, sources, draws):
    """The points of the linear probe and of kNN.

    Settings are chosen on a held-out part of each draw, see
    `label_budgets.choose_within`; no other label is seen. Where a fraction
    draws the same images with every seed, nothing else could differ: the
    first seed stands alone.

    Args:
        config: the `Config` of the curve.
        model: of `load_model`.
        sources: the training and the test `Source`.
        draws: dict of (fraction, seed) -> rising indices.

    Returns:
        A list of `viz.label_curve.Point`s.
    """
    wanted = _wanted(config)
    if not wanted:
        return []
    extractor = frozen_features.FrozenFeatures(config, model)
    whole = extractor.load_all(sources[0])[frozen_features.FEATURES]
    known = labelled.indices(whole.labels)
    test = extractor.load(sources[1])[frozen_features.FEATURES]
    train, test = features.standardize(whole.take(known), test)
    protocol = frozen.make_protocol(config.replace(eval_methods=wanted))
    return [
        _point(
            method,
            cell,
            train.take(np.searchsorted(known, draw)),
            test,
            protocol,
        )
        for method in protocol.methods
        for cell, draw in distinct(draws).items()
    ]


def distinct(draws):
    """Draws without those that an earlier seed of the fraction drew.

    Args:
        draws: dict of (fraction, seed) -> rising indices.
    """
    kept = {}
    for (fraction, seed), draw in draws.items():
        former = [d for (f, _), d in kept.items() if f == fraction]
        if not any(np.array_equal(draw, d) for d in former):
            kept[fraction, seed] = draw
    return kept


def _wanted(config):
    return tuple(m for m in METHODS if m in config.curve_methods)


def _point(method, cell, drawn, test, protocol):
    fraction, seed = cell
    num_classes = len(np.unique(drawn.labels))
    setting = label_budgets.choose_within(
        method,
        drawn,
        num_classes=num_classes,
        holdout_fraction=protocol.holdout_fraction,
        seed=seed,
    )
    fitted = method.fit(drawn, num_classes=num_classes, **setting)
    accuracy = float(np.mean(fitted.predict(test.values) == test.labels))
    logging.info(
        "%s, %g%% of the labels, seed %d: %s, accuracy %.1f%%",
        method.name,
        100 * fraction,
        seed,
        ", ".join(f"{name} {value:g}" for name, value in setting.items()),
        100 * accuracy,
    )
    return plot.Point(method.name, fraction, len(drawn.labels), seed, accuracy)
