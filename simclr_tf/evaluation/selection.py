"""Chooses penalties on validation images, never on test images."""

import typing

from simclr_tf.evaluation import choice, features, linear, metrics


class Fitted(typing.NamedTuple):
    """A classifier and how its penalty came about.

    Attributes:
        classifier: `linear.Linear` of features as they came, not scaled.
        choice: the `choice.Choice` of its penalty.
    """

    classifier: linear.Linear
    choice: choice.Choice


def choose_penalty(
    path, train, validation, *, penalties, num_classes, score=metrics.accuracy
):
    """The penalty best on validation images, the stronger on a tie.

    Args:
        path: `logistic.path` or `least_squares.path`.
        train: `features.Features` to fit on, scaled.
        validation: `features.Features` to choose by, scaled alike.
        penalties: to choose from; a single one is returned unfitted.
        num_classes: K.
        score: function of (logits float [m, K], labels) to a number, more
            being better.

    Returns:
        A `choice.Choice`.
    """
    if len(penalties) == 1:
        return choice.Choice(penalties[0], ())
    return choice.best(
        (l2, score(fitted.logits(validation.values), validation.labels))
        for l2, fitted in path(train, penalties, num_classes=num_classes)
    )


def choose_and_refit(
    path, train, validation, *, penalties, num_classes, score=metrics.accuracy
):
    """Chooses a penalty, then fits on all labelled images there are.

    Features are standardised by the images fitted on: by `train` to choose,
    by both for the last fit.

    Args:
        path: `logistic.path` or `least_squares.path`.
        train: `features.Features`, not scaled.
        validation: of images not in `train`.
        penalties: to choose from.
        num_classes: K.
        score: as in `choose_penalty`.

    Returns:
        A `Fitted`.

    Source: Chen et al. 2020a, appendix B.8 (after the choice, retrained on
    training and validation images).
    """
    scaled, scaled_validation = features.standardize(train, validation)
    chosen = choose_penalty(
        path,
        scaled,
        scaled_validation,
        penalties=penalties,
        num_classes=num_classes,
        score=score,
    )
    whole = features.concatenate(train, validation)
    return Fitted(
        fit_scaled(path, whole, l2=chosen.setting, num_classes=num_classes),
        chosen,
    )


def fit_scaled(path, train, *, l2, num_classes):
    """Standardises, fits at one penalty, and takes the scaling back in.

    Args:
        path: `logistic.path` or `least_squares.path`.
        train: `features.Features`, not scaled.
        l2: the penalty.
        num_classes: K.

    Returns:
        `linear.Linear` of features not scaled.
    """
    scaling = features.scaling_of(train)
    scaled = features.Features(scaling.apply(train.values), train.labels)
    ((_, fitted),) = path(scaled, (l2,), num_classes=num_classes)
    return fitted.unscaled(scaling)
