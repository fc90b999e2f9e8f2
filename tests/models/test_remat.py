"""Recomputed blocks: the same numbers, statistics moved once, less memory."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.models import resnet

ROUNDING = 1e-6  # the same operations on the same numbers
PEAK = """
import json, sys
import tensorflow as tf
from simclr_tf.benchmarks import measurement
from simclr_tf.models import resnet

def step(model, images):
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(images, training=True))
    gradients = tape.gradient(total, model.trainable_variables)
    return tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])

is_saving = sys.argv[1] == "remat"
model = resnet.ResNet(34, width=0.25, stem="cifar", remat=is_saving)
step = tf.function(step)
step(model, tf.zeros([2, 32, 32, 3]))
before = measurement.peak_bytes()
step(model, tf.zeros([256, 32, 32, 3]))
print(json.dumps(measurement.peak_bytes() - before))
"""


def make(**options):
    keras.utils.set_random_seed(0)
    encoder = resnet.ResNet(
        10, width=0.125, stem="cifar", sk_ratio=0.0625, **options
    )
    encoder(tf.zeros([1, 8, 8, 3]))
    return encoder


def outputs_and_gradients(encoder, strategy=None):
    strategy = strategy or tf.distribute.get_strategy()
    random = np.random.default_rng(0)
    images = tf.constant(random.random((6, 8, 8, 3), np.float32))

    @tf.function
    def step():
        def replica_step():
            with tf.GradientTape() as tape:
                features = encoder(images, training=True)
                total = tf.reduce_sum(tf.square(features))
            return features, tape.gradient(total, encoder.trainable_variables)

        return strategy.run(replica_step)

    features, gradients = step()
    local = strategy.experimental_local_results
    return [local(each)[0].numpy() for each in (features, *gradients)]


@pytest.mark.parametrize(
    "options", [{}, {"fused_bn": False}, {"se_ratio": 0.5}]
)
def test_the_numbers_are_the_same(options):
    plain, saving = make(**options), make(remat=True, **options)
    expected = outputs_and_gradients(plain)
    found = outputs_and_gradients(saving)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=ROUNDING, atol=ROUNDING)


def test_moving_statistics_move_once():
    plain, saving = make(), make(remat=True)
    outputs_and_gradients(plain)
    outputs_and_gradients(saving)
    for one, other in zip(
        saving.non_trainable_variables,
        plain.non_trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=ROUNDING)


def test_inference_recomputes_nothing():
    images = tf.ones([2, 8, 8, 3])
    np.testing.assert_array_equal(make(remat=True)(images), make()(images))


@pytest.mark.slow
def test_on_two_replicas(mirrored):
    """Synchronised statistics in a block that is run twice."""
    expected = outputs_and_gradients(make())
    strategy = mirrored(2)
    with strategy.scope():
        saving = make(remat=True)
    found = outputs_and_gradients(saving, strategy)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_memory_is_saved():
    peaks = {}
    for kind in ("plain", "remat"):
        done = subprocess.run(
            [sys.executable, "-c", PEAK, kind],
            check=True,
            capture_output=True,
            text=True,
        )
        peaks[kind] = json.loads(done.stdout.splitlines()[-1])
    assert peaks["remat"] < 0.7 * peaks["plain"], peaks
