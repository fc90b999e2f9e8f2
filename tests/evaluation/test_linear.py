import numpy as np
import pytest
from scipy import optimize, special

from simclr_tf.evaluation import features, linear

ATOL = 2e-3  # both minimisers stop at their own small gradient


def blobs(rows, seed, spread=1.0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows).astype(np.int32)
    centers = np.eye(3, 4) * 2
    noise = generator.normal(size=(rows, 4)) * spread
    return features.Features((centers[labels] + noise), labels)


def objective(flat, train, l2):
    """Mean cross-entropy + l2 / 2 ||W||^2, bias free."""
    weight, bias = flat[:12].reshape(4, 3), flat[12:]
    logits = train.values @ weight + bias
    picked = logits[np.arange(len(logits)), train.labels]
    losses = special.logsumexp(logits, axis=1) - picked
    return losses.mean() + l2 / 2 * np.sum(weight**2)


@pytest.mark.parametrize("l2", [1e-3, 0.1])
def test_minimises_the_stated_objective(l2):
    train = blobs(60, 0)
    found = optimize.minimize(objective, np.zeros(15), args=(train, l2))
    probabilities = special.softmax(
        train.values @ found.x[:12].reshape(4, 3) + found.x[12:], axis=1
    )
    ours = linear.fit(train, l2=l2).predict_proba(train.values)
    np.testing.assert_allclose(ours, probabilities, atol=ATOL)


def test_the_penalty_is_per_example():
    train = blobs(40, 1)
    twice = train.take(np.repeat(np.arange(40), 2))
    once = linear.fit(train, l2=0.01).predict_proba(train.values)
    doubled = linear.fit(twice, l2=0.01).predict_proba(train.values)
    np.testing.assert_allclose(once, doubled, atol=ATOL)


def test_accuracy_of_separated_classes_is_one():
    train, test = blobs(60, 2, spread=0.1), blobs(60, 3, spread=0.1)
    assert linear.accuracy(train, test, l2=0.01) == 1.0


def test_the_best_penalty_on_validation_is_chosen():
    train, validation = blobs(30, 4), blobs(200, 5)
    candidates = (1e-4, 1e-2, 1.0, 100.0)
    chosen = linear.choose_l2(train, validation, candidates=candidates)
    scores = [linear.accuracy(train, validation, l2=l2) for l2 in candidates]
    assert linear.accuracy(train, validation, l2=chosen) == max(scores)
    assert linear.choose_l2(train, validation, candidates=(3.0,)) == 3.0
