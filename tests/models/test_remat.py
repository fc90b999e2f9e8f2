"""Recomputed blocks: the same numbers, statistics moved once, less memory."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.models import resnet

ROUNDING = 1e-6  # the same operations on the same numbers
KEPT_BATCH = 64
KEPT_SHARE = 0.5
"""A block of the ResNet keeps six activations or more."""


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


def bytes_kept_for_the_gradient(encoder):
    """Bytes of what the forward pass computes and the backward pass reads."""
    kept = {}

    @tf.function(autograph=False)
    def step(images):
        graph = tf.compat.v1.get_default_graph()
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(encoder(images, training=True))
        forward = set(graph.get_operations())
        tape.gradient(total, encoder.trainable_variables)
        for op in set(graph.get_operations()) - forward:
            kept.update(
                (tensor.name, tensor)
                for tensor in op.inputs
                if tensor.op in forward and tensor.dtype != tf.resource
            )

    step.get_concrete_function(tf.TensorSpec([KEPT_BATCH, 8, 8, 3]))
    return sum(
        (tensor.shape.num_elements() or 0) * tensor.dtype.size  # 0: unused slot
        for tensor in kept.values()
    )


def test_memory_is_saved():
    """One input a block is kept instead of every activation in it."""
    plain = bytes_kept_for_the_gradient(make())
    saving = bytes_kept_for_the_gradient(make(remat=True))
    assert saving < KEPT_SHARE * plain
