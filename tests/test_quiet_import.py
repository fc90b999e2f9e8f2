"""What a plain Python program shows on stderr: this project's lines."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging
import sys
import absl.logging
import simclr_tf

config = simclr_tf.Config(
    dataset="digits", eval_split="test", model_dir=sys.argv[1],
    image_size=8, resnet_depth=10, width_multiplier=0.125, proj_out_dim=8,
    train_batch_size=16, train_steps=1, warmup_epochs=0, jit="off",
)
before = absl.logging.get_verbosity(), list(logging.root.handlers)
simclr_tf.pretrain(config)
simclr_tf.load_model(sys.argv[1])
assert before == (absl.logging.get_verbosity(), list(logging.root.handlers))
"""
BROKEN = """
import os
import simclr_tf
from simclr_tf import quiet_import

with quiet_import.quietly():
    os.write(2, b"a note of the loader\\n")
with quiet_import.quietly():
    os.write(2, b"what went wrong\\n")
    raise ImportError("no such library")
"""
CLOSED = """
import os
os.close(2)
import simclr_tf
print(simclr_tf.nt_xent.__name__)
"""


def run(script, *arguments):
    """A program in a process of its own, as (exit code, stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_script_shows_our_lines_alone(tmp_path):
    code, _, stderr = run(SCRIPT, f"{tmp_path}/run")
    lines = stderr.splitlines()
    assert code == 0, stderr
    assert lines[0].startswith("data       digits train: 1437 images")
    assert lines[-1].startswith("at the end of training the loss")
    assert not [line for line in lines if "WARNING" in line or "I0000" in line]
    assert len(lines) == len(set(lines))


def test_what_a_failed_import_wrote_is_shown():
    code, _, stderr = run(BROKEN)
    assert code == 1
    assert stderr.startswith("what went wrong\nTraceback")
    assert "a note of the loader" not in stderr


@pytest.mark.skipif(os.name == "nt", reason="descriptors of POSIX")
def test_a_program_without_stderr_loads_it_as_well():
    assert run(CLOSED)[:2] == (0, "nt_xent\n")
