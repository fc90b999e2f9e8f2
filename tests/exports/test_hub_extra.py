"""With tensorflow_hub, where it is installed: its layers are tf_keras ones."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras
directory = sys.argv[1]
images = np.random.default_rng(0).random((8, 8, 8, 3), dtype=np.float32)

loaded = hub.load(directory)
features = loaded(images)
outputs = loaded(images, trainable=False)
np.testing.assert_allclose(outputs["final_avg_pool"], features, atol=1e-5)

layer = hub.KerasLayer(directory, trainable=True)
network = tf_keras.Sequential([layer, tf_keras.layers.Dense(3)])
np.testing.assert_allclose(layer(images), features, atol=1e-5)
assert len(layer.trainable_weights) == len(loaded.trainable_variables)
assert network.losses == []
before = [v.numpy() for v in layer.weights]
network.compile(
    tf_keras.optimizers.SGD(0.1),
    tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
network.fit(images, np.arange(8) % 3, epochs=1, batch_size=8, verbose=0)
trained = {id(v) for v in layer.trainable_weights}
for old, variable in zip(before, layer.weights):
    is_moved = np.any(old != variable.numpy())
    if id(variable) in trained:
        assert is_moved, variable.name
moved = [np.any(o != v.numpy()) for o, v in zip(before, layer.weights)]
assert sum(moved) > len(trained) + 10, "batch statistics did not move"

frozen = hub.KerasLayer(directory, trainable=False)
assert frozen.trainable_weights == []
np.testing.assert_allclose(frozen(images), features, atol=1e-5)
"""


def test_hub_load_and_keras_layer(exported):
    pytest.importorskip("tensorflow_hub")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, exported],
        env=os.environ | {"TF_USE_LEGACY_KERAS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
