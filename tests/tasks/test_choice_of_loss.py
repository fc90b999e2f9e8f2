"""Which NT-Xent a run computes, and that it makes no difference."""

import numpy as np
import pytest
from command_line import TINY, metric_lines, run, values

from simclr_tf.config import Config
from simclr_tf.losses import ntxent, ntxent_streaming
from simclr_tf.tasks import pretrain

SAME = 1e-4  # two steps of float32 sums in another order, amplified by BN


@pytest.mark.parametrize(
    ("flag", "batch", "is_streaming"),
    [
        ("auto", 2047, False),
        ("auto", 2048, True),
        ("dense", 4096, False),
        ("streaming", 2, True),
    ],
)
def test_the_choice(flag, batch, is_streaming):
    config = Config(model_dir="d", nt_xent=flag, train_batch_size=batch)
    expected = ntxent_streaming.nt_xent_streaming
    expected = expected if is_streaming else ntxent.contrast
    assert pretrain.choose_loss(config) is expected


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
