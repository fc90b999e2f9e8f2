"""How well frozen features do with few labels, honestly spread.

Every row of the table (an encoder, or raw pixels) goes through the same
standardisation, the same probes, and the same random draws of labels, so
rows can be compared draw by draw. Settings are chosen on images held out of
the training set; the test set is only scored.
"""

import typing

import numpy as np

from simclr_tf.data import subsets
from simclr_tf.evaluation import features, knn, logistic, selection


class Protocol(typing.NamedTuple):
    """What is done with each row of features.

    Attributes:
        budgets: label budgets, see `subsets.per_class_count`.
        num_draws: random label draws per budget (one where all are used).
        probe_l2: penalties the linear probe may choose from.
        neighbors: k of kNN.
        temperature: of kNN votes.
        holdout_fraction: share of the training images on which a penalty is
            chosen; nothing is held out where there is no choice.
        seed: of the draws and the held-out part.
    """

    budgets: tuple
    num_draws: int
    probe_l2: tuple
    neighbors: int
    temperature: float
    holdout_fraction: float
    seed: int


class Score(typing.NamedTuple):
    """One cell of the table.

    Attributes:
        method: "knn" or "linear".
        budget: the label budget.
        accuracies: float per draw, in [0, 1].
        l2: the penalty used, None for kNN.
    """

    method: str
    budget: str
    accuracies: tuple
    l2: float | None

    @property
    def deviation(self):
        """Standard deviation over the draws; 0 where there is one."""
        few = len(self.accuracies) == 1
        return 0.0 if few else float(np.std(self.accuracies, ddof=1))


class Difference(typing.NamedTuple):
    """Mean paired difference of two scores and its standard error."""

    mean: float
    standard_error: float


def evaluate(train, test, *, num_classes, protocol):
    """Scores one row of the table.

    Args:
        train: `features.Features` of the training split.
        test: of the test split.
        num_classes: K.
        protocol: a `Protocol`.

    Returns:
        A list of `Score`s: per budget kNN, then linear.
    """
    train, test = features.standardize(train, test)
    scores = []
    for budget in protocol.budgets:
        draws = label_draws(train.labels, budget, protocol)
        l2 = _chosen_l2(train, budget, num_classes, protocol)
        nearest = [
            knn.accuracy(
                train.take(draw),
                test,
                num_classes=num_classes,
                neighbors=protocol.neighbors,
                temperature=protocol.temperature,
            )
            for draw in draws
        ]
        probed = [
            logistic.fit(
                train.take(draw), l2=l2, num_classes=num_classes
            ).accuracy(test)
            for draw in draws
        ]
        scores.append(Score("knn", budget, tuple(nearest), None))
        scores.append(Score("linear", budget, tuple(probed), l2))
    return scores


def label_draws(labels, budget, protocol):
    """Index sets of the labelled images, the same for every row."""
    num_draws = 1 if budget == "all" else protocol.num_draws
    return [
        subsets.balanced_subset(labels, budget, seed=[protocol.seed, draw])
        for draw in range(num_draws)
    ]


def paired_difference(ours, theirs):
    """Mean difference over the common draws, with its standard error.

    Args:
        ours: a `Score`.
        theirs: a `Score` over the same draws.

    Returns:
        A `Difference`; the standard error is NaN for a single draw.
    """
    gaps = np.subtract(ours.accuracies, theirs.accuracies)
    if len(gaps) == 1:
        return Difference(float(gaps[0]), float("nan"))
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    return Difference(float(gaps.mean()), float(error))


def _chosen_l2(train, budget, num_classes, protocol):
    if len(protocol.probe_l2) == 1:
        return protocol.probe_l2[0]
    kept, held = subsets.hold_out(
        train.labels, protocol.holdout_fraction, seed=protocol.seed
    )
    fitting, validation = train.take(kept), train.take(held)
    draw = label_draws(fitting.labels, budget, protocol)[0]
    return selection.choose_penalty(
        logistic.path,
        fitting.take(draw),
        validation,
        penalties=protocol.probe_l2,
        num_classes=num_classes,
    ).setting
