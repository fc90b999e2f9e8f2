"""How long bfloat16 takes on the device at hand, next to float32."""

import functools
import statistics
import time

import keras
import tensorflow as tf

IMAGES, SIDE, CHANNELS, LAYERS = 16, 16, 64, 3
"""Of a network whose step takes some hundredths of a second in float32."""
REPEATS = 3


@functools.cache
def relative_time():
    """Time of a small network's step in bfloat16, as a multiple of float32's.

    Forward and backward passes of some 3x3 convolutions, since a device may
    have fast code for one direction alone. It takes a second or two, once in
    a process; the median of a few steps of each, by turns.
    """
    policies = ("float32", "mixed_bfloat16")
    steps = {policy: _make_step(policy) for policy in policies}
    secs = {policy: [] for policy in policies}
    for _ in range(1 + REPEATS):
        for policy, step in steps.items():
            started = time.perf_counter()
            step()
            secs[policy].append(time.perf_counter() - started)
    plain, mixed = (statistics.median(secs[each][1:]) for each in policies)
    return mixed / plain


def _make_step(policy):
    """A zero-argument callable that computes gradients and waits for them."""
    images = tf.random.stateless_uniform(
        [IMAGES, SIDE, SIDE, CHANNELS], [1, 2], -1.0, 1.0
    )
    network = keras.Sequential(
        [
            keras.layers.Conv2D(
                CHANNELS,
                3,
                padding="same",
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(seed=0),
                dtype=policy,
            )
            for _ in range(LAYERS)
        ]
    )
    network.build(images.shape)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.cast(network(images), tf.float32))
        return tape.gradient(loss, network.trainable_variables)

    return lambda: [each.numpy() for each in gradients()]
