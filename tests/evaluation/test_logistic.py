import numpy as np
import pytest
from scipy import optimize, special
from sklearn import linear_model

from simclr_tf.evaluation import features, logistic, logistic_solver

ATOL = 2e-3  # both minimisers stop at their own small gradient
PATH_ATOL = 2e-3  # largest difference of a probability, cold or warm
GRID = tuple(np.logspace(-6, 5, 12).tolist())


def blobs(rows, seed, spread=1.0, dimensions=4):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 3, rows).astype(np.int32)
    centers = np.eye(3, dimensions) * 2
    noise = generator.normal(size=(rows, dimensions)) * spread
    values = (centers[labels] + noise).astype(np.float32)
    return features.Features(values, labels)


def tags(rows, seed, left_out=0.1):
    """Images with none to three labels, a tenth of which are left out."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(rows, 6)).astype(np.float32)
    labels = (values[:, :3] + generator.normal(size=(rows, 3)) > 0.5).astype(
        np.int32
    )
    labels[generator.random(labels.shape) < left_out] = -1
    return features.Features(values, labels)


def ill_conditioned(rows, dimensions, seed):
    """Correlated features, scales over three decades, seven classes."""
    generator = np.random.default_rng(seed)
    scales = np.logspace(0, -3, dimensions)
    values = generator.normal(size=(rows, dimensions)) * scales
    turn, _ = np.linalg.qr(generator.normal(size=(dimensions, dimensions)))
    logits = values / scales @ generator.normal(size=(dimensions, 7))
    labels = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return features.Features((values @ turn + 1).astype(np.float32), labels)


def probabilities(fitted, train):
    return special.softmax(fitted.logits(train.values), axis=1)


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
    expected = special.softmax(
        train.values @ found.x[:12].reshape(4, 3) + found.x[12:], axis=1
    )
    ours = logistic.fit(train, l2=l2, num_classes=3)
    np.testing.assert_allclose(probabilities(ours, train), expected, atol=ATOL)


@pytest.mark.parametrize("size", [(120, 12), (20, 30)])
@pytest.mark.parametrize("l2", [1e-3, 1e-1])
def test_equals_scikit_learn(size, l2):
    """Its C is 1 / (n l2)."""
    train = ill_conditioned(*size, seed=1)
    theirs = linear_model.LogisticRegression(
        C=1 / (l2 * size[0]), max_iter=1000, tol=1e-6, solver="newton-cg"
    ).fit(train.values.astype(np.float64), train.labels)
    ours = logistic.fit(train, l2=l2, num_classes=7)
    np.testing.assert_allclose(
        special.softmax(ours.logits(train.values)[:, theirs.classes_], axis=1),
        theirs.predict_proba(train.values),
        atol=ATOL,
    )


def test_the_penalty_is_per_example():
    train = blobs(40, 1)
    twice = train.take(np.repeat(np.arange(40), 2))
    once = logistic.fit(train, l2=0.01, num_classes=3)
    doubled = logistic.fit(twice, l2=0.01, num_classes=3)
    np.testing.assert_allclose(
        probabilities(once, train), probabilities(doubled, train), atol=ATOL
    )


@pytest.mark.parametrize("size", [(200, 12), (20, 50)])
def test_the_warm_path_ends_where_cold_starts_end(size):
    train = ill_conditioned(*size, seed=2)
    for l2, warm in logistic.path(train, GRID, num_classes=7):
        cold = logistic.fit(train, l2=l2, num_classes=7)
        np.testing.assert_allclose(
            probabilities(warm, train),
            probabilities(cold, train),
            atol=PATH_ATOL,
            err_msg=f"l2 {l2}",
        )


def test_the_warm_path_of_many_labels_ends_where_cold_starts_end():
    train = tags(150, 3)
    for l2, warm in logistic.path(train, GRID, num_classes=3):
        cold = logistic.fit(train, l2=l2, num_classes=3)
        np.testing.assert_allclose(
            special.expit(warm.logits(train.values)),
            special.expit(cold.logits(train.values)),
            atol=PATH_ATOL,
        )


def test_a_start_elsewhere_ends_at_the_same_minimum():
    """The path is walked upward too: the order has no bearing."""
    train = ill_conditioned(100, 10, seed=4)
    down = dict(logistic.path(train, (1e-1, 1e-4), num_classes=7))
    alone = dict(logistic.path(train, (1e-1,), num_classes=7))
    np.testing.assert_array_equal(down[1e-1].weights, alone[1e-1].weights)


def test_many_labels_are_separate_classifiers():
    """Each as scikit-learn fits it, on the images not left out."""
    train = tags(120, 5)
    ours = logistic.fit(train, l2=0.02, num_classes=3)
    for k in range(3):
        part = train.take(np.flatnonzero(train.labels[:, k] >= 0))
        theirs = linear_model.LogisticRegression(
            C=1 / (0.02 * len(part.labels)), tol=1e-8
        ).fit(part.values, part.labels[:, k])
        np.testing.assert_allclose(
            special.expit(ours.logits(train.values)[:, k]),
            theirs.predict_proba(train.values)[:, 1],
            atol=ATOL,
        )


@pytest.mark.parametrize("labels", ["softmax", "binary"])
def test_gradient_equals_finite_differences(labels):
    generator = np.random.default_rng(6)
    logits = generator.normal(size=(5, 3))
    if labels == "softmax":
        loss = logistic_solver.make_softmax_loss(np.array([0, 1, 2, 0, 1]))
    else:
        targets = generator.integers(-1, 2, (5, 3))
        loss = logistic_solver.make_binary_losses(targets)
    residual = loss(logits.copy()).residual
    for cell in np.ndindex(5, 3):
        step = np.zeros((5, 3))
        step[cell] = 1e-6
        rise = loss(logits + step).value - loss(logits - step).value
        assert residual[cell] == pytest.approx(rise / 2e-6, abs=1e-5)


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4, 0], [-1e4, 0, 1e4]], np.float32)
    softmax = logistic_solver.make_softmax_loss(np.array([1, 2]))
    assert softmax(logits.copy()).value == pytest.approx(1e4)
    binary = logistic_solver.make_binary_losses(np.eye(2, 3, dtype=np.int32))
    assert np.isfinite(binary(logits.copy()).value)


def test_classes_without_images_are_never_predicted():
    train = blobs(60, 7)
    shifted = features.Features(train.values, train.labels * 2 + 1)  # 1, 3, 5
    fitted = logistic.fit(shifted, l2=0.01, num_classes=7)
    assert fitted.weights.shape == (4, 7)
    assert set(fitted.predict(train.values)) <= {1, 3, 5}
    plain = logistic.fit(train, l2=0.01, num_classes=3)
    np.testing.assert_array_equal(
        fitted.predict(train.values), plain.predict(train.values) * 2 + 1
    )


def test_a_single_class_is_always_predicted():
    train = blobs(20, 8)
    train = features.Features(train.values, np.full(20, 2, np.int32))
    fitted = logistic.fit(train, l2=0.01, num_classes=4)
    assert set(fitted.predict(train.values)) == {2}


def test_separated_classes_are_told_apart_at_the_weakest_penalty():
    train, test = blobs(60, 2, spread=0.1), blobs(60, 3, spread=0.1)
    assert logistic.fit(train, l2=1e-6, num_classes=3).accuracy(test) == 1.0


def test_penalties_are_those_of_the_paper():
    assert len(logistic.PENALTIES) == 45
    assert logistic.PENALTIES[0] == pytest.approx(1e-6)
    assert logistic.PENALTIES[-1] == pytest.approx(1e5)
    steps = np.diff(np.log10(logistic.PENALTIES))
    np.testing.assert_allclose(steps, steps[0])


def test_the_strongest_penalty_comes_first_and_tells_class_shares():
    train = blobs(90, 9)
    fits = list(logistic.path(train, logistic.PENALTIES, num_classes=3))
    assert [l2 for l2, _ in fits] == sorted(logistic.PENALTIES)[::-1]
    shares = np.bincount(train.labels) / 90
    np.testing.assert_allclose(
        probabilities(fits[0][1], train)[0], shares, atol=1e-3
    )


def test_an_unsettled_fit_says_so(monkeypatch, caplog):
    monkeypatch.setattr(logistic_solver, "MAX_ITERATIONS", 1)
    logistic.fit(ill_conditioned(80, 6, seed=5), l2=1e-4, num_classes=7)
    assert "has not settled at l2 0.0001" in caplog.text


def test_likelihoods_are_log_probabilities_with_a_floor():
    logits = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, -np.inf], [0.0, 0.0, 99.0]])
    found = logistic.log_likelihoods(logits, np.array([1, 2, 0]))
    floor = np.log(1e-7)
    np.testing.assert_allclose(found, [-np.log(3), floor, floor])


def test_likelihoods_of_several_labels_leave_out_what_is_open():
    logits = np.array([[0.0, 2.0, 5.0], [-np.inf, 0.0, 0.0]])
    labels = np.array([[1, 0, -1], [1, -1, -1]])
    found = logistic.log_likelihoods(logits, labels)
    first = -np.log(2) - np.log1p(np.exp(2.0))
    np.testing.assert_allclose(found, [first, np.log(1e-7)])
