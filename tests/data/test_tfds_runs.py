"""Whole runs on TFDS sets, from memory and streamed."""

import os
import signal

import pytest
from command_line import NETWORK, assert_same_values, run, values

from simclr_tf.training import loop

STEPS = 6
KINDS = {"array": "tiny_fixed", "stream": "tiny_varied"}


def train(directory, kind, tfds_dir):
    return run(
        *NETWORK,
        f"--dataset={KINDS[kind]}",
        f"--data_dir={tfds_dir}",
        f"--model_dir={directory}",
        "--train_batch_size=8",
        f"--train_steps={STEPS}",
        "--warmup_epochs=0",
        "--checkpoint_steps=3",
        "--steps_per_loop=1",
        "--jit=off",
    )


def stop_after(patch, last):
    """Sends SIGTERM to this process once the run has made `last` steps."""
    whole = loop.check_finite

    def check(step, metrics):
        whole(step, metrics)
        if step == last:
            os.kill(os.getpid(), signal.SIGTERM)

    patch.setattr(loop, "check_finite", check)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_resumed_equals_uninterrupted(kind, tfds_dir, tmp_path, monkeypatch):
    whole, parts = str(tmp_path / "whole"), str(tmp_path / "parts")
    assert train(whole, kind, tfds_dir).code == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        assert train(parts, kind, tfds_dir).code == 128 + signal.SIGTERM
    resumed = train(parts, kind, tfds_dir)
    assert resumed.code == 0
    assert any("resumed at step 4" in line for line in resumed.lines)
    assert_same_values(values(whole, STEPS), values(parts, STEPS))
