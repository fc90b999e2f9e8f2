"""Runs that are killed at any moment end like one that was not."""

import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
from command_line import TINY, assert_same_values, values

from simclr_tf.checkpoints import checkpoint

ROOT = pathlib.Path(__file__).parent.parent
LAST = 150
PATIENCE_SECS = 240
WITHIN_SECS = 2.0
"""After the first checkpoint; the other steps take longer than this."""

pytestmark = pytest.mark.slow


def start(directory):
    return subprocess.Popen(
        [
            sys.executable,
            "run.py",
            *TINY,
            f"--train_steps={LAST}",
            "--checkpoint_steps=2",
            "--steps_per_loop=1",
            f"--model_dir={directory}",
        ],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(directory):
    process = start(directory)
    _, stderr = process.communicate(timeout=PATIENCE_SECS)
    assert process.returncode == 0, stderr
    return stderr


def wait_for_a_checkpoint(directory, process):
    deadline = time.monotonic() + PATIENCE_SECS
    while not checkpoint.committed_steps(str(directory)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    directory = tmp_path_factory.mktemp("uninterrupted") / "run"
    finish(directory)
    return values(directory, LAST)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGINT, 128 + signal.SIGINT),
    ],
)
def test_a_stopped_run_ends_bit_for_bit_the_same(
    uninterrupted, tmp_path, number, code
):
    directory = tmp_path / "run"
    process = start(directory)
    wait_for_a_checkpoint(directory, process)
    delay = random.uniform(0, WITHIN_SECS)
    time.sleep(delay)
    process.send_signal(number)
    stderr = process.communicate(timeout=PATIENCE_SECS)[1]
    assert process.returncode == code, (delay, stderr)
    reached = checkpoint.committed_steps(str(directory))[-1]
    assert reached < LAST, delay
    if number != signal.SIGKILL:
        assert f"stopped and saved at step {reached}" in stderr
    assert f"resumed at step {reached}: " in finish(directory)
    assert_same_values(values(directory, LAST), uninterrupted)
