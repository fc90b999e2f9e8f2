import numpy as np
import pytest

from simclr_tf.data import subsets
from simclr_tf.evaluation import choice, features, label_budgets, methods

METHODS = (
    methods.Neighbors((3,), (0.1,)),
    methods.logistic_regression((0.01,)),
)
CHOOSING = (
    methods.Neighbors((1, 3, 5), (0.05, 0.5)),
    methods.logistic_regression((1e-3, 1e-1, 10.0)),
    methods.few_shot_least_squares(),
)


def protocol(**changes):
    settings = {
        "budgets": ("1", "3", "all"),
        "num_draws": 4,
        "methods": METHODS,
        "holdout_fraction": 0.2,
        "seed": 0,
    }
    return label_budgets.Protocol(**(settings | changes))


def blobs(rows, seed, shift=2.0):
    generator = np.random.default_rng(seed)
    labels = np.arange(rows, dtype=np.int32) % 3
    values = np.eye(3, 5)[labels] * shift + generator.normal(size=(rows, 5))
    return features.Features(values, labels)


def score_with(test_labels, **changes):
    train, test = blobs(90, 0), blobs(60, 1)
    test = features.Features(test.values, test_labels)
    return label_budgets.evaluate(
        train, test, num_classes=3, protocol=protocol(**changes)
    )


def test_every_budget_gets_both_methods():
    scores = score_with(blobs(60, 1).labels)
    assert [(s.method, s.budget) for s in scores] == [
        (method, budget)
        for budget in ("1", "3", "all")
        for method in ("knn", "linear")
    ]
    assert [len(s.accuracies) for s in scores] == [4, 4, 4, 4, 1, 1]


def test_more_labels_help():
    by_budget = {
        s.budget: np.mean(s.accuracies)
        for s in score_with(blobs(60, 1).labels)
        if s.method == "linear"
    }
    assert by_budget["1"] < by_budget["all"]


def test_test_labels_choose_and_fit_nothing():
    """Permuted test labels change scores, and nothing else."""
    generator = np.random.default_rng(3)
    labels = blobs(60, 1).labels
    honest = score_with(labels, methods=CHOOSING)
    permuted = score_with(generator.permutation(labels), methods=CHOOSING)
    for ours, theirs in zip(honest, permuted, strict=True):
        assert ours.setting == theirs.setting
        assert ours.accuracies != theirs.accuracies
        for mine, other in zip(ours.fitted, theirs.fitted, strict=True):
            if ours.method != "knn":
                assert mine.weights.tobytes() == other.weights.tobytes()
                assert mine.bias.tobytes() == other.bias.tobytes()


def test_the_record_has_the_choice_and_an_interval():
    record = score_with(blobs(60, 1).labels, methods=CHOOSING)[0].record()
    assert (record["method"], record["budget"]) == ("knn", "1")
    assert record["neighbors"] in (1, 3)  # no draw of one label holds more
    assert record["temperature"] in (0.05, 0.5)
    accuracies = record["accuracies"]
    assert record["mean"] == pytest.approx(np.mean(accuracies))
    quantile = 3.182446305284263  # of Student's t, 3 degrees of freedom
    error = np.std(accuracies, ddof=1) / 2
    assert record["half_width"] == pytest.approx(quantile * error)


def test_draws_are_the_same_for_every_row():
    labels = blobs(90, 0).labels
    first = label_budgets.label_draws(labels, "1", protocol())
    again = label_budgets.label_draws(labels, "1", protocol())
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], first[1])


def test_no_draw_follows_the_part_that_is_held_out():
    labels = np.repeat(np.arange(10), 200)
    _, held = subsets.hold_out(labels, 0.1, seed=protocol().seed)
    for draw in label_budgets.label_draws(labels, "10%", protocol()):
        assert len(np.intersect1d(draw, held)) < 0.3 * len(draw)


def test_paired_difference_by_hand():
    ours = label_budgets.Score("knn", "1", (0.5, 0.7, 0.9), {})
    theirs = label_budgets.Score("knn", "1", (0.4, 0.5, 0.6), {})
    gap = label_budgets.paired_difference(ours, theirs)
    assert gap.mean == pytest.approx(0.2)
    assert gap.standard_error == pytest.approx(0.1 / np.sqrt(3))


def test_a_single_draw_has_no_standard_error():
    score = label_budgets.Score("knn", "all", (0.5,), None)
    gap = label_budgets.paired_difference(score, score)
    assert gap.mean == 0
    assert np.isnan(gap.standard_error)


def parts_of_choice(monkeypatch):
    """The parts that `selection.choose` is given, kept in a list."""
    seen = []

    def choose(method, parts, *, num_classes):
        assert num_classes == 3
        seen.append(parts)
        return choice.Choice("chosen")

    monkeypatch.setattr(label_budgets.selection, "choose", choose)
    return seen


def test_a_choice_within_a_draw_scores_what_was_not_fitted(monkeypatch):
    seen = parts_of_choice(monkeypatch)
    drawn = blobs(24, 2)
    setting = label_budgets.choose_within(
        None, drawn, num_classes=3, holdout_fraction=0.25, seed=1
    )
    assert setting == "chosen"
    (parts,) = seen
    assert len(parts) == 5
    for fit, held in parts:
        both = np.concatenate([fit.values, held.values])
        assert np.array_equal(
            np.unique(both, axis=0), np.unique(drawn.values, axis=0)
        )
    held = np.concatenate([held.values for _, held in parts])
    assert np.array_equal(
        np.unique(held, axis=0), np.unique(drawn.values, axis=0)
    )


def test_a_choice_at_a_budget_fits_draws_of_it(monkeypatch):
    seen = parts_of_choice(monkeypatch)
    train = blobs(90, 0)
    for budget in ("3", "28", "all"):
        label_budgets.choose(None, budget, train, 3, protocol())
    sizes = [[len(fit.labels) for fit, _ in parts] for parts in seen]
    assert sizes[0] == [9] * 5
    assert sizes[1] == sizes[2] == [72] * 5  # all that are not held out
    large = blobs(600, 0)
    label_budgets.choose(None, "3", large, 3, protocol())
    ((fit, held),) = seen[-1]
    assert (len(fit.labels), len(held.labels)) == (9, 120)
    both = np.concatenate([fit.values, held.values])
    assert len(np.unique(both, axis=0)) == 129


def test_with_one_label_of_each_class_it_is_the_middle():
    drawn = blobs(3, 2)
    for method in CHOOSING:
        setting = label_budgets.choose_within(
            method, drawn, num_classes=3, holdout_fraction=0.25, seed=1
        )
        assert setting == choice.middle(method.axes)
    ((strength,),) = [
        choice.middle(methods.few_shot_least_squares().axes).values()
    ]
    assert strength == pytest.approx(10**-1.5)  # of 1e-6 to 1e3
