"""Four logical CPU devices for every test, and strategies over them."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
import tensorflow as tf

NUM_LOGICAL_CPUS = 4


def pytest_configure():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_visible_devices([], "GPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * NUM_LOGICAL_CPUS
    )


@pytest.fixture
def mirrored():
    """`mirrored(k)` is a MirroredStrategy over k logical CPUs."""

    def make(num_replicas):
        devices = [f"/cpu:{i}" for i in range(num_replicas)]
        return tf.distribute.MirroredStrategy(devices)

    return make
