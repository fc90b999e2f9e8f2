"""Four logical CPU devices for every test, and strategies over them."""

import dataclasses
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

import simclr_tf  # noqa: F401  (before TensorFlow, as in the program)

# isort: split

import command_line
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.commands import export
from simclr_tf.data import digits

NUM_LOGICAL_CPUS = 4
SLOW_SECS = 20
"""A test that takes longer on any machine has the mark `slow`."""


def pytest_configure():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * NUM_LOGICAL_CPUS
    )
    # A third of the time of small graphs; what they compute is the same.
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )


def pytest_terminal_summary(terminalreporter):
    """Names the tests that need the mark."""
    for report in terminalreporter.getreports("passed"):
        if report.duration > SLOW_SECS and "slow" not in report.keywords:
            terminalreporter.line(
                f"{report.nodeid} took {report.duration:.0f} s: mark it slow"
            )


@pytest.fixture
def eager():
    """Graph functions of the test run op by op, which saves their tracing."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def mirrored():
    """`mirrored(k)` is the strategy over k logical CPUs."""
    return lambda k: distribution.make_strategy(num_replicas=k)


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory):
    """The directory of a tiny pretraining, for all tests: copy to change."""
    directory = tmp_path_factory.mktemp("pretrained") / "run"
    outcome = command_line.run(*command_line.TINY, f"--model_dir={directory}")
    assert outcome.code == 0, outcome.lines
    return str(directory)


@pytest.fixture(scope="module")
def no_export():
    """Evaluations write no SavedModel, which is most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "export_step", lambda *_, **__: None)
        yield


@pytest.fixture
def permute_test_labels(monkeypatch):
    """A call gives the digits' test images the labels of others."""
    honest = digits.open_digits

    def permuted(split):
        source = honest(split)
        if not split.startswith("test"):
            return source
        labels = np.random.default_rng(0).permutation(source.labels)
        return dataclasses.replace(source, labels=labels)

    return lambda: monkeypatch.setattr(digits, "open_digits", permuted)
