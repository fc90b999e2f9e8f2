"""Which NT-Xent a run computes, and that it makes no difference."""

import numpy as np
import pytest
import tensorflow as tf
from command_line import TINY, metric_lines, run, values

from simclr_tf.config import Config
from simclr_tf.losses import ntxent, ntxent_streaming
from simclr_tf.methods import pretrain

LARGE = 2048  # the smallest that "auto" streams on one device
SAME = 1e-4  # two steps of float32 sums in another order, amplified by BN


@pytest.mark.parametrize(
    ("flag", "batch", "replicas", "is_streaming"),
    [
        ("auto", 2047, 1, False),
        ("auto", 2048, 1, True),
        ("auto", 4096, 4, True),
        ("auto", 4096, 8, False),  # 1024 x 8192 pairs each
        ("dense", 4096, 1, False),
        ("streaming", 2, 8, True),
    ],
)
def test_the_choice(flag, batch, replicas, is_streaming):
    """By the pairs that one replica computes, not by the whole batch."""
    config = Config(model_dir="d", nt_xent=flag, train_batch_size=batch)
    expected = ntxent_streaming.nt_xent_streaming
    expected = expected if is_streaming else ntxent.nt_xent
    found = pretrain.choose_loss(config, num_replicas=replicas)
    assert found is expected


def test_what_is_chosen_for_a_large_batch_compiles():
    """As `--jit=on` and a TPU compile it."""
    config = Config(
        model_dir="d", use_tpu=True, jit="on", train_batch_size=LARGE
    )
    loss = pretrain.choose_loss(config, num_replicas=1)
    rows = np.random.default_rng(0).standard_normal((2 * LARGE, 2))
    rows = tf.constant(rows, tf.float32)
    compiled = tf.function(loss, jit_compile=True)
    expected = ntxent.nt_xent(rows)
    for found, value in zip(compiled(rows), expected, strict=True):
        assert float(found) == pytest.approx(float(value), rel=SAME)


@pytest.mark.slow
def test_a_run_is_the_same_either_way(tmp_path):
    for flag in ("dense", "streaming"):
        outcome = run(
            *TINY,
            "--train_steps=2",
            "--mode=train",
            "--learning_rate=0.01",
            f"--nt_xent={flag}",
            f"--model_dir={tmp_path}/{flag}",
        )
        assert outcome.code == 0, outcome.lines
    dense, streamed = (
        dict(metric_lines(f"{tmp_path}/{flag}")[-1], images_per_sec=0)
        for flag in ("dense", "streaming")
    )
    assert streamed == pytest.approx(dense, rel=SAME)
    ours = values(f"{tmp_path}/streaming", 2)
    for key, value in values(f"{tmp_path}/dense", 2).items():
        np.testing.assert_allclose(ours[key], value, atol=SAME, err_msg=key)
