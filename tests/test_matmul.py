"""Products in full float32, where an accelerator rounds their factors."""

import types

import numpy as np
import pytest
import rounded_products
import tensorflow as tf

from simclr_tf import matmul

RTOL = 1e-6  # of the largest value: sums of float32 products


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


def product_and_gradients(a, b, upstream, *, transpose_b):
    with tf.GradientTape() as tape:
        tape.watch([a, b])
        product = matmul.full_precision_matmul(a, b, transpose_b=transpose_b)
    return product, *tape.gradient(product, [a, b], upstream)


@pytest.mark.parametrize("kind", rounded_products.STORED_BITS)
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [((7, 16), (16, 9)), ((2, 1, 3, 4), (2, 5, 4, 6)), ((3, 4), (4, 5))],
)
def test_rounded_factors_do_not_matter(
    monkeypatch, kind, transpose_b, of_a, of_b
):
    """Nor does repeating an operand along its batch axes."""
    a, b = random_matrix(*of_a, seed=0), random_matrix(*of_b, seed=1)
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    arguments = a, b, random_matrix(*(a @ np.ones(of_b)).shape, seed=2)
    wide = (tf.constant(x, tf.float64) for x in arguments)
    exact = product_and_gradients(*wide, transpose_b=transpose_b)
    rounded_products.simulate(monkeypatch, kind)
    narrow = (tf.constant(x) for x in arguments)
    found = product_and_gradients(*narrow, transpose_b=transpose_b)
    for ours, theirs in zip(found, exact, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=RTOL * scale)
    naive = tf.matmul(a, b, transpose_b=transpose_b)
    assert np.abs(naive.numpy() - exact[0]).max() > 100 * RTOL


def test_xla_keeps_the_parts_apart(monkeypatch):
    rounded_products.simulate(monkeypatch, "bfloat16")
    a, b = random_matrix(7, 16, seed=0), random_matrix(16, 9, seed=1)
    compiled = tf.function(matmul.full_precision_matmul, jit_compile=True)
    exact = a.astype("float64") @ b
    found = compiled(tf.constant(a), tf.constant(b))
    atol = RTOL * np.abs(exact).max()
    np.testing.assert_allclose(found, exact, rtol=0, atol=atol)


def test_cpus_multiply_plainly():
    a, b = random_matrix(3, 4, seed=0), random_matrix(5, 4, seed=1)
    expected = tf.matmul(a, b, transpose_b=True)
    actual = matmul.full_precision_matmul(a, b, transpose_b=True)
    np.testing.assert_array_equal(actual, expected)


def test_graphs_for_other_machines_multiply_plainly(monkeypatch):
    devices = [types.SimpleNamespace(device_type="GPU")]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda: devices)
    a, b = tf.ones([2, 3]), tf.ones([3, 2])
    with matmul.on_cpu():
        assert matmul._only_cpus()
        product = matmul.full_precision_matmul(a, b)
    assert not matmul._only_cpus()
    assert product.device.endswith("CPU:0")
