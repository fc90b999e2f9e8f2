import logging
import types

import numpy as np
import pytest
from sklearn import datasets

from simclr_tf.data import subsets
from simclr_tf.evaluation import (
    choice,
    features,
    label_budgets,
    least_squares,
    logistic,
    methods,
    metrics,
    probes,
    selection,
)

PENALTIES = (1e-4, 1e-2, 1.0, 100.0)
SOLVERS = (logistic, least_squares)
BY_SOLVER = pytest.mark.parametrize("solver", SOLVERS)
ATOL = 1e-5  # float32
NUM_DRAWS = 20
MAX_LOSS, MAX_WORST_LOSS = 0.03, 0.1
"""Median and worst loss of accuracy against the best of the grid on the test
images. The first of equal accuracies lost 3.5 and 27 points."""


def linear(solver=logistic, penalties=PENALTIES, **changes):
    return methods.Linear("linear", solver, penalties, **changes)


def blobs(rows, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows).astype(np.int32)
    noise = generator.normal(size=(rows, 10)) * np.logspace(0, 2, 10)
    values = np.eye(3, 10)[labels] * 2 + noise + 5
    return features.Features(values.astype(np.float32), labels)


def refitted(method, train, validation):
    return selection.choose_and_refit(
        method, train, validation, num_classes=3, seed=0
    )


@pytest.fixture(scope="module")
def digit_features():
    """Raw digits, standardised, in a training and a test part."""
    values, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    whole = features.Features(
        values[order].astype(np.float32), labels[order].astype(np.int32)
    )
    parts = whole.take(np.arange(1200)), whole.take(np.arange(1200, 1797))
    return features.standardize(*parts)


@pytest.mark.parametrize("fraction", [0.02, 0.1])
@pytest.mark.parametrize(
    "method",
    [
        methods.logistic_regression(np.logspace(-5, 5, 8).tolist()),
        methods.few_shot_least_squares(),
        methods.Neighbors(),
    ],
    ids=["linear", "least_squares", "knn"],
)
def test_on_small_draws_the_choice_is_near_the_best(
    digit_features, method, fraction
):
    train, test = digit_features
    losses = []
    for seed in range(NUM_DRAWS):
        drawn = train.take(
            subsets.by_fraction(
                train.labels, fraction, class_names=range(10), seed=seed
            )
        )
        setting = label_budgets.choose_within(
            method, drawn, num_classes=10, holdout_fraction=0.1, seed=seed
        )
        limited = method.limited_to(len(drawn.labels))
        scores = {
            tuple(found.setting.items()): method.score(
                found.outputs, test.labels
            )
            for found in limited.held_out(drawn, test, num_classes=10)
        }
        losses.append(max(scores.values()) - scores[tuple(setting.items())])
    assert np.median(losses) <= MAX_LOSS
    assert max(losses) <= MAX_WORST_LOSS


@BY_SOLVER
def test_every_setting_is_scored_on_all_held_out_images(solver):
    """Of two parts by hand, images of both counting alike."""
    method = linear(solver)
    parts = [
        features.standardize(blobs(40, seed), blobs(rows, seed + 10))
        for seed, rows in ((0, 20), (1, 45))
    ]
    found = selection.choose(method, parts, num_classes=3)
    for trial in found.trials:
        hits, likelihoods = [], []
        for fit, held in parts:
            logits = method.fit(
                fit, num_classes=3, **trial.setting
            ).logits(held.values)  # fmt: skip
            hits += (logits.argmax(axis=1) == held.labels).tolist()
            likelihoods += solver.log_likelihoods(logits, held.labels).tolist()
        assert len(hits) == 65
        assert trial.score == pytest.approx(np.mean(hits), abs=1.01 / 65)
        assert trial.log_likelihood == pytest.approx(
            np.mean(likelihoods), rel=1e-2
        )
    assert [t.setting["l2"] for t in found.trials] == [100.0, 1.0, 1e-2, 1e-4]
    expected = choice.best(found.trials, method.axes, num_held=65)
    assert found == expected


def test_many_images_are_held_out_once_and_few_in_folds():
    labels = np.repeat(np.arange(10), 100)
    ((kept, held),) = selection.split(labels, 0.1, seed=0)
    expected = subsets.hold_out(labels, 0.1, seed=0)
    np.testing.assert_array_equal(held, expected[1])
    assert len(kept) == 900
    parts = selection.split(labels[::2], 0.1, seed=0)
    assert [len(held) for _, held in parts] == [100] * 5
    assert selection.split(np.arange(10), 0.1, seed=0) == []


@pytest.mark.parametrize(
    "method", [linear(), methods.Neighbors()], ids=["linear", "knn"]
)
def test_without_anything_held_out_it_is_the_middle(method):
    found = selection.choose(method, [], num_classes=3)
    assert found == choice.Choice(choice.middle(method.axes))


def test_an_end_of_the_grid_is_warned_of(caplog):
    part = features.standardize(blobs(30, 4), blobs(200, 5))

    def largest(logits, labels):
        return -float(np.abs(logits).max())

    with caplog.at_level(logging.WARNING, logger="absl"):
        selection.choose(linear(score=largest), [part], num_classes=3)
    assert (
        "linear: the largest l2 of the grid, 100, is best on 200 held-out "
        "images"
    ) in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="absl"):
        selection.choose(linear(score=lambda *_: 0.5), [part], num_classes=3)
    assert "of the grid" not in caplog.text


@BY_SOLVER
def test_a_single_penalty_is_not_fitted_to_be_chosen(solver):
    fits = []

    def path(train, penalties, **options):
        fits.append(len(train.labels))
        return solver.path(train, penalties, **options)

    method = linear(types.SimpleNamespace(path=path), penalties=(3.0,))
    fitted = refitted(method, blobs(30, 4), blobs(20, 5))
    assert fitted.choice == choice.Choice({"l2": 3.0})
    assert fits == [50]


@BY_SOLVER
def test_the_last_fit_is_on_train_and_validation(solver):
    """By hand: standardise both together, fit, then scale the test too."""
    train, validation, test = blobs(60, 0), blobs(140, 1), blobs(50, 2)
    fitted = refitted(linear(solver), train, validation)
    both = features.concatenate(train, validation)
    assert len(both.labels) == 200
    scaled, scaled_test = features.standardize(both, test)
    l2 = fitted.choice.setting["l2"]
    ((_, by_hand),) = solver.path(scaled, (l2,), num_classes=3)
    np.testing.assert_allclose(
        fitted.classifier.logits(test.values),
        by_hand.logits(scaled_test.values),
        atol=20 * ATOL,
    )


@pytest.mark.parametrize(("rows", "num_fits"), [(99, 5), (100, 1)])
def test_few_validation_images_are_not_trusted_alone(rows, num_fits):
    """Then all images are held out in turn, scaled by those fitted on."""
    fits = []

    def path(train, penalties, **options):
        fits.append(train)
        return least_squares.path(train, penalties, **options)

    solver = types.SimpleNamespace(
        path=path, log_likelihoods=least_squares.log_likelihoods
    )
    refitted(linear(solver), blobs(61, 0), blobs(rows, 1))
    *fits, last = fits
    assert len(fits) == num_fits
    assert len(last.labels) == 61 + rows
    sizes = {len(fit.labels) for fit in fits}
    if num_fits == 1:
        assert sizes == {61}
    else:
        assert sum(160 - len(fit.labels) for fit in fits) == 160
    for fit in fits:
        np.testing.assert_allclose(fit.values.mean(axis=0), 0, atol=1e-5)


def test_many_labels_are_chosen_by_mean_average_precision():
    train, validation = (
        features.Features(part.values, np.eye(3, dtype=np.int32)[part.labels])
        for part in (blobs(60, 6), blobs(160, 7))
    )
    method = linear(score=metrics.mean_average_precision)
    found = refitted(method, train, validation).choice
    scaled = features.standardize(train, validation)
    for trial in found.trials:
        fitted = method.fit(scaled[0], num_classes=3, **trial.setting)
        assert trial.score == pytest.approx(
            metrics.mean_average_precision(
                fitted.logits(scaled[1].values), scaled[1].labels
            ),
            abs=1e-3,
        )
    best = max(trial.score for trial in found.trials)
    assert found.score >= best - 1.001 / 160


@BY_SOLVER
def test_test_labels_choose_and_fit_nothing(solver):
    """Permuted test labels leave penalty and weights bit-identical."""
    train, validation, test = blobs(60, 0), blobs(40, 1), blobs(90, 2)
    permuted = features.Features(
        test.values, np.random.default_rng(0).permutation(test.labels)
    )
    honest, shuffled = (
        probes.fit_probes(
            {"h": probes.Splits(train, validation, part)},
            linear(solver),
            num_classes=3,
            seed=0,
        )[0]
        for part in (test, permuted)
    )
    assert honest.l2 == shuffled.l2
    assert honest.validation == shuffled.validation
    for ours, theirs in zip(
        honest.classifier, shuffled.classifier, strict=True
    ):
        assert ours.tobytes() == theirs.tobytes()
    assert honest.test != shuffled.test
