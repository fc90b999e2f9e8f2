"""The program run in this process, for tests of whole runs."""

import contextlib
import io
import json
import os
import typing

import numpy as np
import tensorflow as tf
from absl import logging as absl_logging

from simclr_tf import cli

NETWORK = (
    "--image_size=8",
    "--resnet_depth=10",
    "--width_multiplier=0.125",
    "--proj_out_dim=8",
)
RUN = (
    "--dataset=digits",
    "--eval_split=test",
    "--train_batch_size=64",
    "--train_steps=6",
    "--warmup_epochs=0",
    "--checkpoint_steps=3",
    "--eval_batch_size=128",
    "--log_every_secs=1000",
    "--jit=off",
)
TINY = NETWORK + RUN
"""Some seconds: lines at the first and the last step only, and no XLA."""


class Outcome(typing.NamedTuple):
    """What a run ended with and said.

    Attributes:
        code: exit code.
        output: text on stdout.
        lines: on stderr, but for those of `unused`.
        unused: the line that names flags without effect, if there is one;
            tests give the flags of other modes along.
    """

    code: int
    output: str
    lines: list
    unused: list


def run(*arguments, traced=False):
    """What `simclr-tf` does with these arguments, each "--name=value".

    Functions run op by op unless `traced`: most of the time of so small a run
    is tracing. Only traced runs can be compared bit for bit with the program
    in a process of its own, and only in them does `--jit` compile.
    """
    log = absl_logging.get_absl_handler().python_handler
    output, stderr, code = io.StringIO(), io.StringIO(), 0
    former = log.setStream(stderr)
    tf.config.run_functions_eagerly(not traced)
    try:
        with (
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(stderr),
        ):
            cli.console(["simclr-tf", *arguments])
    except SystemExit as leave:
        code = leave.code or 0
    finally:
        tf.config.run_functions_eagerly(False)
        log.setStream(former)
    said = stderr.getvalue().splitlines()
    unused = [line for line in said if line.startswith("no effect with ")]
    lines = [line for line in said if line not in unused]
    return Outcome(code, output.getvalue(), lines, unused)


def metric_lines(directory):
    """The rows of a run's `metrics.jsonl`."""
    with tf.io.gfile.GFile(os.path.join(directory, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


def values(directory, step):
    """Every array of a checkpoint by its key."""
    prefix = os.path.join(directory, f"ckpt-{step}")
    # `tf.train.load_checkpoint` takes a prefix on ram:// for a folder.
    reader = tf.compat.v1.train.NewCheckpointReader(prefix)
    return {
        key: reader.get_tensor(key)
        for key in reader.get_variable_to_shape_map()
        if key.endswith("VARIABLE_VALUE")
    }


def assert_same_values(ours, theirs):
    """Two results of `values` are equal bit for bit."""
    assert ours.keys() == theirs.keys()
    assert len(ours) > 50
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)
