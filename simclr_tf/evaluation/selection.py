"""Chooses settings on images held out of the training set, never on test.

A method, see `methods`, gives for each setting of its grid what it makes of
the held-out images; `choice` picks one.
"""

import typing

import numpy as np
from absl import logging

from simclr_tf.data import subsets
from simclr_tf.evaluation import choice, features, linear

MIN_HELD_OUT = 100
"""Images. Of fewer, one is more than a point of accuracy: then all images are
held out in turn."""
NUM_FOLDS = 5
"""Of the cross-validation: each fit has four fifths of the images."""


class HeldOut(typing.NamedTuple):
    """What a fit at one setting makes of held-out images.

    Attributes:
        setting: dict of axis name -> value.
        outputs: [m, ...], what the method's `score` takes.
        log_likelihoods: float [m], of each image's label, nats.
    """

    setting: dict
    outputs: np.ndarray
    log_likelihoods: np.ndarray


class Fitted(typing.NamedTuple):
    """A classifier and how its penalty came about.

    Attributes:
        classifier: `linear.Linear` of features as they came, not scaled.
        choice: the `choice.Choice` of its penalty.
    """

    classifier: linear.Linear
    choice: choice.Choice


def split(labels, fraction, *, seed):
    """Which images are held out to choose by, by class.

    Args:
        labels: int [n].
        fraction: share of each class that is held out, in (0, 1).
        seed: int >= 0.

    Returns:
        A list of (kept, held) indices: one pair, or the folds of a
        cross-validation where the one would hold out fewer than
        `MIN_HELD_OUT` images. Empty where no class has two images.
    """
    kept, held = subsets.hold_out(labels, fraction, seed=seed)
    if len(held) >= MIN_HELD_OUT:
        return [(kept, held)]
    return subsets.folds(labels, NUM_FOLDS, seed=seed)


def choose(method, parts, *, num_classes):
    """The setting best on the held-out images of all parts together.

    Warns where an end of the grid is chosen.

    Args:
        method: of `methods`.
        parts: list of (fitted on, held out), pairs of `features.Features`;
            the outputs for all held-out images are scored at once.
        num_classes: K.

    Returns:
        A `choice.Choice`; without parts the middle of the grid.

    Raises:
        errors.UserError: as `methods.Neighbors.limited_to`.
    """
    if not (parts and method.has_choice):
        return choice.Choice(choice.middle(method.axes))
    method = method.limited_to(min(len(fit.labels) for fit, _ in parts))
    trials = _trials(method, parts, num_classes)
    num_held = sum(len(held.labels) for _, held in parts)
    chosen = choice.best(trials, method.axes, num_held=num_held)
    warn_of_ends(method.name, chosen.setting, method.axes, num_held=num_held)
    return chosen


def warn_of_ends(name, setting, axes, *, num_held):
    """Warns of each axis at an end of which a chosen setting lies.

    Args:
        name: of what was chosen for.
        setting: the setting chosen.
        axes: tuple of `choice.Axis`.
        num_held: images that it was chosen by.
    """
    for axis in choice.ends(setting, axes):
        value = setting[axis.name]
        logging.warning(
            "%s: the %s %s of the grid, %g, is best on %d held-out images; "
            "one beyond it may be better",
            name,
            "smallest" if value == axis.values[0] else "largest",
            axis.name,
            value,
            num_held,
        )


def choose_and_refit(method, train, validation, *, num_classes, seed):
    """Chooses a penalty, then fits on all labelled images there are.

    Features are standardised by the images fitted on. Fewer than
    `MIN_HELD_OUT` validation images are no measure: then the penalty is
    chosen by cross-validation on training and validation images together.

    Args:
        method: a `methods.Linear`.
        train: `features.Features`, not scaled.
        validation: of images not in `train`.
        num_classes: K.
        seed: int >= 0, of the folds.

    Returns:
        A `Fitted`.

    Source: Chen et al. 2020a, appendix B.8 (after the choice, retrained on
    training and validation images).
    """
    whole = features.concatenate(train, validation)
    parts = [(train, validation)]
    if len(validation.labels) < MIN_HELD_OUT:
        parts = [
            (whole.take(kept), whole.take(held))
            for kept, held in subsets.folds(whole.labels, NUM_FOLDS, seed=seed)
        ]
    if method.has_choice:
        parts = [features.standardize(*part) for part in parts]
    chosen = choose(method, parts, num_classes=num_classes)
    scaling = features.scaling_of(whole)
    scaled = features.Features(scaling.apply(whole.values), whole.labels)
    fitted = method.fit(scaled, num_classes=num_classes, **chosen.setting)
    return Fitted(fitted.unscaled(scaling), chosen)


def _trials(method, parts, num_classes):
    """Yields the `choice.Trial` of each setting, one setting at a time."""
    labels = np.concatenate([held.labels for _, held in parts])
    runs = [
        method.held_out(fit, held, num_classes=num_classes)
        for fit, held in parts
    ]
    for found in zip(*runs, strict=True):
        outputs = np.concatenate([each.outputs for each in found])
        likelihoods = np.concatenate([each.log_likelihoods for each in found])
        yield choice.Trial(
            found[0].setting,
            method.score(outputs, labels),
            float(np.mean(likelihoods, dtype=np.float64)),
        )
