"""The semi-hard triplet loss against recorded outputs and a triple loop."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.losses import alternatives

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens/addons.npz")
RTOL = 1e-5  # float32; squared distances lose digits to cancellation
STEP = 1e-4  # of finite differences, in float64
GRADIENT_TOLERANCE = 1e-4  # float32 against those differences


def random_rows(num, width=6, *, num_labels=3, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((num, width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype("float32"), rng.integers(0, num_labels, num)


def oracle(rows, labels, margin):
    rows = rows.astype("float64")
    losses = []
    for a in range(len(rows)):
        distances = [np.sum((rows[a] - row) ** 2) for row in rows]
        others = [
            distances[n] for n in range(len(rows)) if labels[n] != labels[a]
        ]
        for p in range(len(rows)):
            if p == a or labels[p] != labels[a]:
                continue
            farther = [d for d in others if d > distances[p]]
            negative = min(farther) if farther else max(others, default=np.inf)
            losses.append(max(0.0, margin + distances[p] - negative))
    return np.mean(losses) if losses else 0.0


def test_loss_matches_addons():
    loss = alternatives.triplet_semi_hard(
        GOLDENS["triplet_semihard/embeddings"],
        GOLDENS["triplet_semihard/labels"],
    )
    recorded = GOLDENS["triplet_semihard/loss_margin_1"]
    assert loss.dtype == tf.float32
    assert loss.numpy() == pytest.approx(recorded, rel=RTOL)


@pytest.mark.parametrize("margin", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("num_labels", [2, 3, 12])
def test_loss_equals_the_triple_loop(num_labels, margin):
    for seed in range(4):
        rows, labels = random_rows(14, num_labels=num_labels, seed=seed)
        loss = alternatives.triplet_semi_hard(rows, labels, margin=margin)
        expected = oracle(rows, labels, margin)
        assert loss.numpy() == pytest.approx(expected, rel=RTOL, abs=1e-6)


def test_gradient_equals_finite_differences():
    rows, labels = random_rows(8)
    variable = tf.Variable(rows)
    with tf.GradientTape() as tape:
        loss = alternatives.triplet_semi_hard(variable, labels)
    gradient = tape.gradient(loss, variable).numpy()
    expected = np.zeros(rows.shape)
    for place in np.ndindex(rows.shape):
        moved = [rows.astype("float64") for _ in range(2)]
        moved[0][place] += STEP
        moved[1][place] -= STEP
        ahead, behind = (oracle(one, labels, 1.0) for one in moved)
        expected[place] = (ahead - behind) / (2 * STEP)
    np.testing.assert_allclose(gradient, expected, atol=GRADIENT_TOLERANCE)


def test_orthogonal_classes_are_two_apart():
    rows, labels = tf.eye(3), [0, 1, 2]
    twice, both = tf.tile(rows, [2, 1]), labels * 2
    for margin, expected in ((1.0, 0.0), (2.5, 0.5)):
        loss = alternatives.triplet_semi_hard(twice, both, margin=margin)
        assert loss.numpy() == pytest.approx(expected, abs=1e-6)


def test_identical_embeddings_cost_the_margin():
    loss = alternatives.triplet_semi_hard(
        tf.tile([[0.6, 0.8]], [6, 1]), [0, 1, 2, 0, 1, 2], margin=0.7
    )
    assert loss.numpy() == pytest.approx(0.7, rel=RTOL)


def test_the_hardest_negative_is_passed_over_for_the_next():
    # Angles on a circle: positive at 0.5, negatives at 0.2 and 0.9.
    angles = np.array([0.0, 0.5, 0.2, -0.9])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    distance = 2 - 2 * np.cos(angles)
    loss = alternatives.triplet_semi_hard(rows, [0, 0, 1, 2], margin=1.0)
    of_first = 1 + distance[1] - distance[3]
    # From the second row, 1.4 away is the one negative farther than 0.5.
    of_second = 1 + distance[1] - (2 - 2 * np.cos(1.4))
    expected = (max(of_first, 0) + max(of_second, 0)) / 2
    assert loss.numpy() == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_without_negatives_or_pairs_loss_and_gradient_are_zero(labels):
    variable = tf.Variable(random_rows(4)[0])
    with tf.GradientTape() as tape:
        loss = alternatives.triplet_semi_hard(variable, labels)
    assert loss.numpy() == 0
    np.testing.assert_array_equal(tape.gradient(loss, variable), 0)


def test_the_order_of_rows_does_not_matter():
    rows, labels = random_rows(12)
    order = np.random.default_rng(1).permutation(12)
    one = alternatives.triplet_semi_hard(rows, labels)
    other = alternatives.triplet_semi_hard(rows[order], labels[order])
    assert one.numpy() == pytest.approx(other.numpy(), rel=RTOL)


def test_compiled_equals_eager():
    rows, labels = random_rows(12)
    compiled = tf.function(alternatives.triplet_semi_hard, jit_compile=True)
    expected = alternatives.triplet_semi_hard(rows, labels).numpy()
    assert compiled(rows, labels).numpy() == pytest.approx(expected, rel=RTOL)
