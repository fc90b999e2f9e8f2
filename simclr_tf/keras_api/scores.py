"""What features are worth, by the methods of the frozen protocol.

Every function takes `train` and `test`, each (images, labels) or what
`open_dataset` returns, and an encoder as `embed` does. Features are scaled to
mean 0, variance 1 by the training images.
"""

import typing

import numpy as np

from simclr_tf.evaluation import (
    features,
    knn,
    label_budgets,
    linear,
    methods,
)
from simclr_tf.keras_api import embedding

HELD_OUT_FRACTION = 0.1
"""Of the training images, on which settings are chosen."""


class LinearProbe(typing.NamedTuple):
    """A linear classifier of frozen features.

    Attributes:
        accuracy: fraction of the test images, in [0, 1].
        l2: the penalty chosen on held-out training images.
        classifier: a `linear.Linear` of the encoder's features.
    """

    accuracy: float
    l2: float
    classifier: linear.Linear


def knn_accuracy(
    encoder: typing.Callable,
    train: typing.Any,
    test: typing.Any,
    *,
    neighbors: int = 200,
    temperature: float = 0.1,
    **options: typing.Any,
) -> float:
    """Accuracy of weighted k-nearest neighbours, in [0, 1].

    Args:
        encoder: see the module.
        train: the images that vote.
        test: the images that are classified.
        neighbors: k; all training images vote where there are fewer.
        temperature: of the votes, > 0.
        **options: `image_size` and `batch_size` of `embed`.

    Source: Wu et al. 2018 (arXiv:1805.01978), section 3.4.
    """
    bank, queries = features.standardize(
        *_features(encoder, train, test, options)
    )
    return knn.accuracy(
        bank,
        queries,
        num_classes=_num_classes(bank, queries),
        neighbors=neighbors,
        temperature=temperature,
    )


def linear_probe(
    encoder: typing.Callable,
    train: typing.Any,
    test: typing.Any,
    *,
    seed: int = 0,
    **options: typing.Any,
) -> LinearProbe:
    """Logistic regression on frozen features.

    The penalty is chosen among the paper's 45 on a tenth of the training
    images, or by cross-validation where that is fewer than 100; the classifier
    is then fitted to all of them.

    Args:
        encoder: see the module.
        train: the images to fit.
        test: the images to score.
        seed: of the held-out part.
        **options: `image_size` and `batch_size` of `embed`.

    Source: Chen et al. 2020a, appendix B.8.
    """
    found, other = _features(encoder, train, test, options)
    (score,) = _scores(found, other, ("all",), num_draws=1, seed=seed)
    (fitted,) = score.fitted
    return LinearProbe(
        score.accuracies[0],
        score.setting["l2"],
        fitted.unscaled(features.scaling_of(found)),
    )


def few_label_accuracy(
    encoder: typing.Callable,
    train: typing.Any,
    test: typing.Any,
    *,
    labels_per_class: typing.Sequence[int] = (1, 2, 5),
    num_draws: int = 20,
    seed: int = 0,
    **options: typing.Any,
) -> dict[int, np.ndarray]:
    """Accuracy of `linear_probe` with few labels, over draws of the labels.

    Args:
        encoder: see the module.
        train: the images that labels are drawn from.
        test: the images to score.
        labels_per_class: numbers of labels.
        num_draws: class-balanced draws of each number.
        seed: of the draws.
        **options: `image_size` and `batch_size` of `embed`.

    Returns:
        dict of number of labels -> float64 [num_draws] in [0, 1].
    """
    found, other = _features(encoder, train, test, options)
    budgets = tuple(str(count) for count in labels_per_class)
    scores = _scores(found, other, budgets, num_draws=num_draws, seed=seed)
    return {int(each.budget): np.array(each.accuracies) for each in scores}


def _scores(train, test, budgets, *, num_draws, seed):
    """A `label_budgets.Score` of the linear probe for each budget."""
    protocol = label_budgets.Protocol(
        methods=(methods.logistic_regression(),),
        budgets=budgets,
        num_draws=num_draws,
        holdout_fraction=HELD_OUT_FRACTION,
        seed=seed,
    )
    return label_budgets.evaluate(
        train,
        test,
        num_classes=_num_classes(train, test),
        protocol=protocol,
    )


def _features(encoder, train, test, options):
    """`features.Features` of both, images without label left out."""
    found = (
        embedding.labelled_features(encoder, each, **options)
        for each in (train, test)
    )
    return [each.take(np.flatnonzero(each.labels >= 0)) for each in found]


def _num_classes(*found):
    return 1 + max(int(each.labels.max()) for each in found)
