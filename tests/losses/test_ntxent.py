import math

import ntxent_suite
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.losses import matmul, ntxent

GOLDEN_RTOL = 1e-5  # float32 sums in another order
SPLIT_RTOL = 1e-6  # of the largest value: sums of float32 products


class TestDense(ntxent_suite.NtXentSuite):
    loss = staticmethod(ntxent.nt_xent)


class TestDenseWithSplitProducts(ntxent_suite.NtXentSuite):
    """As an accelerator computes it."""

    loss = staticmethod(ntxent.nt_xent)

    @pytest.fixture(autouse=True)
    def _accelerator(self, monkeypatch):
        monkeypatch.setattr(matmul, "_only_cpus", lambda: False)


@pytest.mark.parametrize("case", ntxent_suite.GOLDEN_CASES)
def test_metrics_equal_the_official_code(case):
    goldens = np.load(ntxent_suite.GOLDENS)
    prefix = f"ntxent/{case}/"
    *_, temperature, normalize = goldens[prefix + "n_d_temperature_normalize"]
    contrast = ntxent.nt_xent(
        goldens[prefix + "hidden"],
        temperature=float(temperature),
        normalize=bool(normalize),
    )
    accuracy = ntxent.contrastive_accuracy(contrast).numpy()
    entropy = ntxent.contrastive_entropy(contrast).numpy()
    assert accuracy == goldens[prefix + "contrast_acc"]
    expected = goldens[prefix + "contrast_entropy"]
    assert entropy == pytest.approx(expected, rel=GOLDEN_RTOL)


def test_perfect_pairs_have_full_accuracy_and_no_entropy():
    contrast = ntxent.nt_xent(tf.tile(tf.eye(5), [2, 1]), temperature=0.05)
    assert ntxent.contrastive_accuracy(contrast).numpy() == 1.0
    assert ntxent.contrastive_entropy(contrast).numpy() < 1e-6
    assert contrast.loss.numpy() < 1e-6


def test_uniform_logits_have_the_entropy_of_the_candidates():
    contrast = ntxent.nt_xent(tf.ones([10, 3]))
    entropy = ntxent.contrastive_entropy(contrast).numpy()
    assert entropy == pytest.approx(math.log(5), rel=1e-6)


def test_logits_are_the_local_first_views_against_all_second_views(mirrored):
    rows = ntxent_suite.random_rows(4, 3)
    whole = ntxent.nt_xent(rows)
    strategy = mirrored(2)
    parts = [rows[[0, 1, 4, 5]], rows[[2, 3, 6, 7]]]
    local = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    contrast = strategy.run(tf.function(ntxent.nt_xent), args=(local,))
    logits, labels = (
        np.concatenate(strategy.experimental_local_results(values))
        for values in (contrast.logits, contrast.labels)
    )
    np.testing.assert_allclose(logits, whole.logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(labels, np.arange(4))
    assert whole.logits.shape == (4, 4)


@pytest.mark.parametrize("num_images", [2, 256, 4096])
def test_chance_loss(num_images):
    expected = 2 * np.log(2.0 * num_images - 1)
    assert ntxent.chance_loss(num_images) == pytest.approx(expected)


def random_matrix(*shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def test_parts_are_bfloat16_numbers_that_sum_to_the_whole():
    x = random_matrix(64, 64, seed=0) * 10.0 ** np.arange(-28, 36).astype("f4")
    parts = matmul.bfloat16_parts(tf.constant(x))
    for part in parts:
        rounded = tf.cast(tf.cast(part, tf.bfloat16), tf.float32)
        np.testing.assert_array_equal(rounded, part)
    total = sum(np.asarray(part, "float64") for part in parts)
    np.testing.assert_array_equal(total, x)


def product_and_gradients(a, b, upstream):
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        product = matmul.split_matmul(a, b)
    return product, *tape.gradient(product, [a, b], upstream)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_split_products_survive_rounded_inputs(monkeypatch, jit_compile):
    """Rounds every operand to bfloat16, as the matrix unit of a TPU does."""
    a, b = random_matrix(7, 16, seed=0), random_matrix(9, 16, seed=1)
    upstream = random_matrix(7, 9, seed=2)
    plain = tf.matmul

    def rounding(x, y, **kwargs):
        x, y = (tf.cast(tf.cast(v, "bfloat16"), "float32") for v in (x, y))
        return plain(x, y, **kwargs)

    monkeypatch.setattr(tf, "matmul", rounding)
    naive = tf.matmul(a, b, transpose_b=True).numpy()
    function = tf.function(product_and_gradients, jit_compile=jit_compile)
    actual = function(*map(tf.constant, (a, b, upstream)))
    a, b, upstream = (x.astype("float64") for x in (a, b, upstream))
    expected = a @ b.T, upstream @ b, upstream.T @ a
    for value, exact in zip(actual, expected, strict=True):
        ntxent_suite.assert_close(value, exact, rtol=SPLIT_RTOL)
    assert np.abs(naive - expected[0]).max() > 1e3 * SPLIT_RTOL


def test_cpus_multiply_plainly():
    a, b = random_matrix(3, 4, seed=0), random_matrix(5, 4, seed=1)
    expected = tf.matmul(a, b, transpose_b=True)
    actual = matmul.full_precision_matmul(tf.constant(a), tf.constant(b))
    np.testing.assert_array_equal(actual, expected)
