"""The streaming loss: the suite of the dense one, for any tile."""

import functools

import ntxent_suite
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.losses import ntxent, ntxent_streaming

RTOL = 1e-5  # of the largest value: float32 sums in another order
METRICS = {"rel": 1e-5, "abs": 1e-6}


class TestStreaming(ntxent_suite.NtXentSuite):
    loss = staticmethod(ntxent_streaming.nt_xent_streaming)


def in_uneven_tiles(rows, **options):
    """Three rows a tile, or some five tiles in all: each takes its time."""
    tile_rows = max(3, (rows.shape[0] or 0) // 5)
    return ntxent_streaming.nt_xent_streaming(
        rows, tile_rows=tile_rows, **options
    )


class TestStreamingInUnevenTiles(ntxent_suite.NtXentSuite):
    loss = staticmethod(in_uneven_tiles)


@pytest.mark.parametrize("tile_rows", [1, 4, 6, 7, 1000])
@pytest.mark.parametrize(
    ("normalize", "temperature"), [(True, 0.02), (True, 0.5), (False, 20.0)]
)
def test_equals_the_dense_loss(tile_rows, normalize, temperature):
    rows = ntxent_suite.random_rows(7, 8)
    kwargs = {"temperature": temperature, "normalize": normalize}
    dense = ntxent_suite.value_and_gradient(ntxent.nt_xent, rows, **kwargs)
    found = ntxent_suite.value_and_gradient(
        ntxent_streaming.nt_xent_streaming, rows, tile_rows=tile_rows, **kwargs
    )
    assert found[0] == pytest.approx(dense[0], rel=RTOL, abs=1e-6)
    scale = np.abs(dense[1]).max()
    np.testing.assert_allclose(found[1], dense[1], atol=RTOL * scale)


def everything(loss, rows, **kwargs):
    """Loss, gradient, accuracy and entropy."""
    with tf.GradientTape() as tape:
        tape.watch(rows)
        contrast = loss(rows, **kwargs)
    gradient = tape.gradient(contrast.loss, rows)
    return contrast.loss, gradient, contrast.accuracy, contrast.entropy


@pytest.mark.parametrize(
    ("tile_rows", "num_rows"), [(6, 14), (6, None), (1000, 14)]
)
def test_it_compiles(tile_rows, num_rows):
    """By XLA, whose shapes are static."""
    rows = ntxent_suite.random_rows(7, 3)
    compiled = tf.function(
        functools.partial(
            everything,
            ntxent_streaming.nt_xent_streaming,
            tile_rows=tile_rows,
        ),
        input_signature=[tf.TensorSpec([num_rows, 3])],
        jit_compile=True,
    )
    expected = everything(ntxent.nt_xent, tf.constant(rows))
    for found, value in zip(compiled(rows), expected, strict=True):
        ntxent_suite.assert_close(found, value, rtol=RTOL)


def test_padding_counts_for_nothing():
    """A zero row would be by far the nearest, as all rows oppose each other."""
    rows = tf.constant(60.0 * (np.eye(14) - 1 / 14), tf.float32)
    kwargs = {"temperature": 1.0, "normalize": False}
    expected = everything(ntxent.nt_xent, rows, **kwargs)
    found = everything(
        ntxent_streaming.nt_xent_streaming, rows, tile_rows=6, **kwargs
    )
    for ours, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            ours, value, atol=RTOL * np.abs(rows).max() ** 2
        )


@pytest.mark.parametrize("tile_rows", [7, 1000])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_metrics_equal_those_of_the_dense_loss(tile_rows, temperature):
    rows = ntxent_suite.random_rows(32, 4)
    rows[32:] += 0.7 * rows[:32]  # so that some are right
    dense = ntxent.nt_xent(rows, temperature=temperature)
    found = ntxent_streaming.nt_xent_streaming(
        rows, temperature=temperature, tile_rows=tile_rows
    )
    assert 0.1 < float(dense.accuracy) < 0.9
    for name in ("loss", "accuracy", "entropy"):
        expected = float(getattr(dense, name))
        assert float(getattr(found, name)) == pytest.approx(
            expected, **METRICS
        ), name


@pytest.mark.parametrize("tile_rows", [2, 1000])
def test_of_equal_scores_the_first_counts_as_in_the_dense_loss(tile_rows):
    rows = np.ones((10, 3), "float32")
    found = ntxent_streaming.nt_xent_streaming(rows, tile_rows=tile_rows)
    assert float(found.accuracy) == float(ntxent.nt_xent(rows).accuracy)


def test_replicas_may_weigh_their_losses_differently(mirrored):
    """The gradient follows the upstream of every replica, not only ours."""
    rows = ntxent_suite.random_rows(4, 6)
    parts = [rows[[0, 1, 4, 5]], rows[[2, 3, 6, 7]]]
    found = {}
    for name, loss in (
        ("dense", ntxent.nt_xent),
        ("streaming", ntxent_streaming.nt_xent_streaming),
    ):
        strategy = mirrored(2)

        @tf.function
        def gradient(local, weight, loss=loss):
            with tf.GradientTape() as tape:
                tape.watch(local)
                value = weight * loss(local).loss
            return tape.gradient(value, local)

        arguments = [
            strategy.experimental_distribute_values_from_function(
                lambda context, values=values: tf.constant(
                    values[context.replica_id_in_sync_group]
                )
            )
            for values in (parts, [1.0, 3.0])
        ]
        gradients = strategy.run(gradient, args=tuple(arguments))
        found[name] = np.stack(strategy.experimental_local_results(gradients))
    scale = np.abs(found["dense"]).max()
    np.testing.assert_allclose(
        found["streaming"], found["dense"], atol=RTOL * scale
    )
