"""Four logical CPU devices for every test, and strategies over them."""

import dataclasses
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

import command_line
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.data import digits

NUM_LOGICAL_CPUS = 4
KEY_BASES = itertools.count(1_000_000, 1000)


def pytest_configure():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * NUM_LOGICAL_CPUS
    )


@pytest.fixture
def mirrored(monkeypatch):
    """`mirrored(k)` is a MirroredStrategy over k logical CPUs.

    TensorFlow numbers the collectives of every strategy from the same start,
    and aborts when a number comes back with another group size or shape; so
    no two strategies of one process share a start here.
    """

    def make(num_replicas):
        monkeypatch.setattr(
            tf.distribute.MirroredStrategy,
            "_collective_key_base",
            next(KEY_BASES),
        )
        devices = [f"/cpu:{i}" for i in range(num_replicas)]
        return tf.distribute.MirroredStrategy(devices)

    return make


@pytest.fixture(scope="session")
def pretrained(tmp_path_factory):
    """The directory of a tiny pretraining, for all tests: copy to change."""
    directory = tmp_path_factory.mktemp("pretrained") / "run"
    outcome = command_line.run(*command_line.TINY, f"--model_dir={directory}")
    assert outcome.code == 0, outcome.lines
    return str(directory)


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
