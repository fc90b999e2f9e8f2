import math

import ntxent_suite
import numpy as np
import pytest
import rounded_products
import tensorflow as tf

from simclr_tf.losses import ntxent, ntxent_streaming

GOLDEN_RTOL = 1e-5  # float32 sums in another order


class TestDense(ntxent_suite.NtXentSuite):
    loss = staticmethod(ntxent.nt_xent)


class TestDenseWithSplitProducts(ntxent_suite.NtXentSuite):
    """As an accelerator computes it."""

    loss = staticmethod(ntxent.nt_xent)

    @pytest.fixture(autouse=True)
    def _accelerator(self, monkeypatch):
        rounded_products.simulate(monkeypatch, "bfloat16")


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
    accuracy, entropy = contrast.accuracy.numpy(), contrast.entropy.numpy()
    assert accuracy == goldens[prefix + "contrast_acc"]
    expected = goldens[prefix + "contrast_entropy"]
    assert entropy == pytest.approx(expected, rel=GOLDEN_RTOL)


def test_perfect_pairs_have_full_accuracy_and_no_entropy():
    contrast = ntxent.nt_xent(tf.tile(tf.eye(5), [2, 1]), temperature=0.05)
    assert contrast.accuracy.numpy() == 1.0
    assert contrast.entropy.numpy() < 1e-6
    assert contrast.loss.numpy() < 1e-6


def test_uniform_logits_have_the_entropy_of_the_candidates():
    contrast = ntxent.nt_xent(tf.ones([10, 3]))
    entropy = contrast.entropy.numpy()
    assert entropy == pytest.approx(math.log(5), rel=1e-6)


def test_metrics_rank_all_second_views_of_all_replicas(mirrored):
    rows = ntxent_suite.random_rows(4, 3)
    whole = ntxent.nt_xent(rows)
    strategy = mirrored(2)
    parts = [rows[[0, 1, 4, 5]], rows[[2, 3, 6, 7]]]
    local = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    found = strategy.run(tf.function(ntxent.nt_xent), args=(local,))
    for name in ("loss", "accuracy", "entropy"):
        mean = strategy.reduce("MEAN", getattr(found, name), axis=None)
        expected = float(getattr(whole, name))
        assert float(mean) == pytest.approx(expected, rel=1e-5), name


def test_both_implementations_return_the_same_type():
    rows = ntxent_suite.random_rows(4, 3)
    dense = ntxent.nt_xent(rows)
    streamed = ntxent_streaming.nt_xent_streaming(rows)
    assert type(dense) is type(streamed) is ntxent.NtXent


@pytest.mark.parametrize("num_images", [2, 256, 4096])
def test_chance_loss(num_images):
    expected = 2 * np.log(2.0 * num_images - 1)
    assert ntxent.chance_loss(num_images) == pytest.approx(expected)
    assert ntxent.chance_accuracy(num_images) == 1 / num_images
