import numpy as np
import pytest
from sklearn import linear_model

from simclr_tf.evaluation import features, least_squares

ATOL = 2e-5  # float32 features and weights


def blobs(rows, dimensions, seed):
    generator = np.random.default_rng(seed)
    labels = np.arange(rows, dtype=np.int32) % 3
    values = generator.normal(size=(rows, dimensions))
    values[:, :3] += 2 * np.eye(3)[labels]
    return features.Features(values.astype(np.float32), labels)


@pytest.mark.parametrize("size", [(60, 8), (9, 40)])
def test_equals_the_normal_equations(size):
    """With a column of ones for the bias, unpenalised, solved head-on."""
    train = blobs(*size, seed=0)
    n, d = size
    ones = np.hstack([train.values, np.ones((n, 1))])
    targets = np.eye(3)[train.labels]
    for l2, fitted in least_squares.path(
        train, (0.01, 1.0, 30.0), num_classes=3
    ):
        penalty = l2 * np.diag([1.0] * d + [0.0])
        solved = np.linalg.solve(
            ones.T @ ones / n + penalty, ones.T @ targets / n
        )
        np.testing.assert_allclose(fitted.weights, solved[:-1], atol=ATOL)
        np.testing.assert_allclose(fitted.bias, solved[-1], atol=ATOL)


@pytest.mark.parametrize("size", [(60, 8), (9, 40)])
def test_equals_scikit_learn_ridge(size):
    train = blobs(*size, seed=1)
    theirs = linear_model.Ridge(alpha=0.1 * size[0])
    theirs.fit(train.values, np.eye(3)[train.labels])
    ((_, ours),) = least_squares.path(train, (0.1,), num_classes=3)
    np.testing.assert_allclose(
        ours.logits(train.values), theirs.predict(train.values), atol=1e-4
    )


def test_repeating_every_image_changes_nothing():
    train = blobs(30, 5, seed=2)
    twice = features.concatenate(train, train)
    ((_, once),) = least_squares.path(train, (0.1,), num_classes=3)
    ((_, doubled),) = least_squares.path(twice, (0.1,), num_classes=3)
    np.testing.assert_allclose(once.weights, doubled.weights, atol=ATOL)


def test_the_strongest_penalty_comes_first_and_tells_the_mean():
    train = blobs(30, 5, seed=3)
    fits = list(least_squares.path(train, (1.0, 1e9, 0.1), num_classes=4))
    assert [l2 for l2, _ in fits] == [1e9, 1.0, 0.1]
    logits = fits[0][1].logits(train.values)
    np.testing.assert_allclose(logits, [[1 / 3] * 3 + [0]] * 30, atol=1e-6)


def test_penalties_cover_the_useful_range():
    assert least_squares.PENALTIES[0] == pytest.approx(1e-6)
    assert least_squares.PENALTIES[-1] == pytest.approx(1e3)
    assert len(least_squares.PENALTIES) == 19


def test_likelihoods_are_half_the_squared_errors():
    outputs = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    found = least_squares.log_likelihoods(outputs, np.array([0, 1]))
    np.testing.assert_allclose(found, [-0.25, 0.0])
