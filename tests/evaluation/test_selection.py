import numpy as np
import pytest

from simclr_tf.evaluation import (
    choice,
    features,
    least_squares,
    logistic,
    metrics,
    probes,
    selection,
)

PATHS = (logistic.path, least_squares.path)
PENALTIES = (1e-4, 1e-2, 1.0, 100.0)
ATOL = 1e-5  # float32


def blobs(rows, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows).astype(np.int32)
    noise = generator.normal(size=(rows, 10)) * np.logspace(0, 2, 10)
    values = np.eye(3, 10)[labels] * 2 + noise + 5
    return features.Features(values.astype(np.float32), labels)


def chosen(path, train, validation, **changes):
    settings = {"penalties": PENALTIES, "num_classes": 3} | changes
    return selection.choose_and_refit(path, train, validation, **settings)


@pytest.mark.parametrize("path", PATHS)
def test_the_best_penalty_on_validation_is_chosen(path):
    train, validation = features.standardize(blobs(30, 4), blobs(200, 5))
    found = selection.choose_penalty(
        path, train, validation, penalties=PENALTIES, num_classes=3
    )
    scores = {
        l2: fitted.accuracy(validation)
        for l2, fitted in path(train, PENALTIES, num_classes=3)
    }
    assert dict(found.scores) == scores
    assert scores[found.setting] == max(scores.values())


@pytest.mark.parametrize("path", PATHS)
def test_the_stronger_penalty_wins_a_tie(path):
    found = selection.choose_penalty(
        path,
        blobs(30, 4),
        blobs(20, 5),
        penalties=PENALTIES,
        num_classes=3,
        score=lambda logits, labels: 0.5,
    )
    assert found.setting == 100.0


@pytest.mark.parametrize("path", PATHS)
def test_a_single_penalty_is_not_fitted_to_be_chosen(path):
    fitted = chosen(path, blobs(30, 4), blobs(20, 5), penalties=(3.0,))
    assert fitted.choice == choice.Choice(3.0, ())


@pytest.mark.parametrize("path", PATHS)
def test_the_last_fit_is_on_train_and_validation(path):
    """By hand: standardise both together, fit, then scale the test too."""
    train, validation, test = blobs(60, 0), blobs(40, 1), blobs(50, 2)
    fitted = chosen(path, train, validation)
    both = features.concatenate(train, validation)
    assert len(both.labels) == 100
    scaled, scaled_test = features.standardize(both, test)
    ((_, by_hand),) = path(scaled, (fitted.choice.setting,), num_classes=3)
    np.testing.assert_allclose(
        fitted.classifier.logits(test.values),
        by_hand.logits(scaled_test.values),
        atol=20 * ATOL,
    )


def test_the_score_decides():
    """Chosen by a score that wants class 0 alone, the penalty differs."""
    train, validation = blobs(30, 4), blobs(200, 5)

    def narrow(logits, labels):
        return -float(np.abs(logits).max())

    by_accuracy = chosen(logistic.path, train, validation)
    by_size = chosen(logistic.path, train, validation, score=narrow)
    assert by_size.choice.setting == 100.0
    assert by_accuracy.choice.setting != 100.0


def test_many_labels_are_chosen_by_mean_average_precision():
    train, validation = blobs(60, 6), blobs(60, 7)
    train, validation = (
        features.Features(part.values, np.eye(3, dtype=np.int32)[part.labels])
        for part in (train, validation)
    )
    fitted = chosen(
        logistic.path, train, validation, score=metrics.mean_average_precision
    )
    best = max(score for _, score in fitted.choice.scores)
    assert dict(fitted.choice.scores)[fitted.choice.setting] == best


@pytest.mark.parametrize("path", PATHS)
def test_test_labels_choose_and_fit_nothing(path):
    """Permuted test labels leave penalty and weights bit-identical."""
    train, validation, test = blobs(60, 0), blobs(40, 1), blobs(90, 2)
    permuted = features.Features(
        test.values, np.random.default_rng(0).permutation(test.labels)
    )
    honest, shuffled = (
        probes.fit_probes(
            {"h": probes.Splits(train, validation, part)},
            num_classes=3,
            path=path,
            penalties=PENALTIES,
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


def test_the_first_of_the_best_is_chosen():
    scores = (("a", 0.1), ("b", 0.9), ("c", 0.9))
    assert choice.best(iter(scores)) == choice.Choice("b", scores)
