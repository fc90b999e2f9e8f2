"""How well frozen features do with few labels, honestly spread.

Every row of the table (an encoder, or raw pixels) goes through the same
standardisation, the same probes, and the same random draws of labels, so
rows can be compared draw by draw. Settings are chosen on images held out of
the training set; the test set is only scored.
"""

import typing

import numpy as np

from simclr_tf.data import subsets
from simclr_tf.evaluation import features, metrics, selection


class Protocol(typing.NamedTuple):
    """What is done with each row of features.

    Attributes:
        methods: of `evaluation.methods`.
        budgets: label budgets, see `subsets.per_class_count`.
        num_draws: random label draws per budget (one where all are used).
        holdout_fraction: share of the training images on which settings are
            chosen; nothing is held out where there is no choice.
        seed: of the draws and the held-out part.
    """

    methods: tuple
    budgets: tuple
    num_draws: int
    holdout_fraction: float
    seed: int


class Score(typing.NamedTuple):
    """One cell of the table.

    Attributes:
        method: "knn", "linear" or "least_squares".
        budget: the label budget.
        accuracies: float per draw, in [0, 1].
        setting: what was chosen or given, a dict such as {"l2": 0.01}.
        fitted: per draw what predicts standardised features.
    """

    method: str
    budget: str
    accuracies: tuple
    setting: dict
    fitted: tuple = ()

    @property
    def deviation(self):
        """Standard deviation over the draws; 0 where there is one."""
        few = len(self.accuracies) == 1
        return 0.0 if few else float(np.std(self.accuracies, ddof=1))

    def record(self):
        """What is written down of it: a JSON-able dict."""
        interval = metrics.mean_interval(self.accuracies)
        return {
            "method": self.method,
            "budget": self.budget,
            "accuracies": list(self.accuracies),
            "mean": interval.mean,
            "half_width": interval.half_width,
            **self.setting,
        }


class Difference(typing.NamedTuple):
    """Mean paired difference of two scores and its standard error."""

    mean: float
    standard_error: float


def evaluate(train, test, *, num_classes, protocol):
    """Scores one row of the table.

    A setting is chosen once per budget: by fits on a draw of the budget from
    the training images that are not held out, scored on all that are, or by
    cross-validation, see `selection.split`. So with few labels the choice, of
    one number or two, sees more labels than the fit, in the manner of the
    paper; the fits see their draw alone.

    Args:
        train: `features.Features` of the training split.
        test: of the test split.
        num_classes: K.
        protocol: a `Protocol`.

    Returns:
        A list of `Score`s: per budget, one of each method. Nothing but their
        accuracies depends on test labels.
    """
    train, test = features.standardize(train, test)
    return [
        _score(method, budget, train, test, num_classes, protocol)
        for budget in protocol.budgets
        for method in protocol.methods
    ]


def _score(method, budget, train, test, num_classes, protocol):
    setting = choose(method, budget, train, num_classes, protocol)
    fitted = tuple(
        method.fit(train.take(draw), num_classes=num_classes, **setting)
        for draw in label_draws(train.labels, budget, protocol)
    )
    accuracies = tuple(
        float(np.mean(each.predict(test.values) == test.labels))
        for each in fitted
    )
    return Score(method.name, budget, accuracies, setting, fitted)


def label_draws(labels, budget, protocol):
    """Index sets of the labelled images, the same for every row."""
    num_draws = 1 if budget == "all" else protocol.num_draws
    counts = subsets.per_class_count(budget, labels)
    return [
        subsets.balanced_subset(labels, counts, seed=protocol.seed, draw=draw)
        for draw in range(1, num_draws + 1)
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


def choose(method, budget, train, num_classes, protocol):
    """The setting of a method at a budget, a dict; see `evaluate`.

    Where a class has fewer images left than the budget grants, the fits to
    choose by see all of them.

    Args:
        method: of `evaluation.methods`.
        budget: a label budget.
        train: standardised `features.Features` of the training split.
        num_classes: K.
        protocol: a `Protocol`.
    """
    counts = subsets.per_class_count(budget, train.labels)
    parts = []
    for kept, held in selection.split(
        train.labels, protocol.holdout_fraction, seed=protocol.seed
    ):
        fitting = train.take(kept)
        draw = subsets.balanced_subset(
            fitting.labels, counts, seed=protocol.seed
        )
        parts.append((fitting.take(draw), train.take(held)))
    return selection.choose(method, parts, num_classes=num_classes).setting


def choose_within(method, drawn, *, num_classes, holdout_fraction, seed):
    """The setting of a method by the labels of a draw alone, a dict.

    Of a small draw by cross-validation, see `selection.split`; the middle of
    the grid where no class has two labels.

    Args:
        method: of `evaluation.methods`.
        drawn: `features.Features` of the draw.
        num_classes: K.
        holdout_fraction: share of each class held out.
        seed: int >= 0, of the held-out part.
    """
    parts = [
        (drawn.take(kept), drawn.take(held))
        for kept, held in selection.split(
            drawn.labels, holdout_fraction, seed=seed
        )
    ]
    return selection.choose(method, parts, num_classes=num_classes).setting
