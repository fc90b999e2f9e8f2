import math

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.losses import supervised

RTOL = 1e-6  # float32 against float64


def random_batch(num_images=12, num_classes=7):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((num_images, num_classes)).astype("float32")
    return logits, rng.integers(0, num_classes, num_images)


def test_cross_entropy_equals_numpy():
    logits, labels = random_batch()
    exact = logits.astype("float64")
    picked = exact[np.arange(len(labels)), labels]
    expected = np.mean(np.log(np.exp(exact).sum(axis=1)) - picked)
    loss = supervised.cross_entropy(logits, labels)
    assert loss.dtype == tf.float32
    assert loss.numpy() == pytest.approx(expected, rel=RTOL)


def test_uniform_logits_cost_the_log_of_the_classes():
    loss = supervised.cross_entropy(tf.zeros([4, 10]), [0, 3, 5, 9])
    assert loss.numpy() == pytest.approx(math.log(10), rel=RTOL)


def test_half_precision_logits_are_computed_in_float32():
    logits, labels = random_batch()
    half = tf.cast(logits, tf.bfloat16)
    loss = supervised.cross_entropy(half, labels)
    same = supervised.cross_entropy(tf.cast(half, tf.float32), labels)
    assert loss.dtype == tf.float32
    assert loss.numpy() == same.numpy()


@pytest.mark.parametrize("k", [1, 3, 5, 7, 20])
def test_hits_equal_a_sort(k):
    logits, labels = random_batch()
    order = np.argsort(-logits, axis=1)[:, :k]
    expected = [label in row for label, row in zip(labels, order, strict=True)]
    hits = supervised.top_k_hits(logits, labels, k=k)
    np.testing.assert_array_equal(hits, np.array(expected, "float32"))
    accuracy = supervised.top_k_accuracy(logits, labels, k=k).numpy()
    assert accuracy == pytest.approx(np.mean(expected), rel=RTOL)


def test_equal_logits_count_as_one_guess():
    accuracy = supervised.top_k_accuracy(tf.zeros([10, 10]), tf.range(10))
    assert accuracy.numpy() == pytest.approx(0.1, rel=RTOL)


SEVERAL = np.array([[1, 0, -1], [0, 0, 1]])
MARGINS = np.array([[2.0, -1.0, 5.0], [3.0, -4.0, 0.5]], np.float32)


def test_binary_cross_entropy_by_hand():
    signed = np.where(SEVERAL > 0, MARGINS, -MARGINS).astype("float64")
    losses = np.log1p(np.exp(-signed)) * (SEVERAL >= 0)
    assert (signed > 0)[SEVERAL >= 0].tolist() == [1, 1, 0, 1, 1]
    loss = supervised.binary_cross_entropy(MARGINS, SEVERAL)
    assert loss.numpy() == pytest.approx(losses.mean(), rel=RTOL)
    accuracy = supervised.binary_accuracy(MARGINS, SEVERAL)
    assert accuracy.numpy() == pytest.approx((2 / 2 + 2 / 3) / 2, rel=RTOL)


def test_what_is_left_out_has_no_gradient():
    logits = tf.Variable(MARGINS)
    with tf.GradientTape() as tape:
        loss = supervised.binary_cross_entropy(logits, SEVERAL)
    gradient = tape.gradient(loss, logits).numpy()
    assert ((gradient == 0) == (SEVERAL < 0)).all()


def test_logits_of_zero_cost_log_two():
    zeros = tf.zeros([3, 4])
    loss = supervised.binary_cross_entropy(zeros, tf.zeros([3, 4], tf.int32))
    assert loss.numpy() == pytest.approx(math.log(2), rel=RTOL)


def test_an_image_of_which_nothing_counts_is_no_mistake():
    hidden = -tf.ones([1, 4], tf.int32)
    assert supervised.binary_accuracy(tf.ones([1, 4]), hidden).numpy() == 1
