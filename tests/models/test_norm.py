import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.models import norm

# Float32 sums in another order.
ROUNDING = 2e-5
# Half a unit in the last place of bfloat16, at values up to 4.
BFLOAT16_ROUNDING = 2e-2
MOMENTUM = 0.9
EPSILON = 1e-5
CHANNELS = 3


def sample(shape, seed=0):
    random = np.random.RandomState(seed)
    return (2 * random.standard_normal(shape) + 1).astype("float32")


def oracle(images, gamma, beta):
    """Outputs, mean and uncorrected variance, in float64."""
    images = images.astype("float64")
    axes = tuple(range(images.ndim - 1))
    mean, variance = images.mean(axes), images.var(axes)
    scaled = (images - mean) / np.sqrt(variance + EPSILON)
    return scaled * gamma + beta, mean, variance


def make(**kwargs):
    layer = norm.BatchNorm(name="norm", **kwargs)
    layer.build((None, CHANNELS))
    layer.gamma.assign([0.5, 1.0, 2.0])
    if layer.center:
        layer.beta.assign([1.0, 0.0, -1.0])
    return layer


def values(layer):
    return layer.gamma.numpy(), layer.beta.numpy()


@pytest.mark.parametrize("shape", [(6, CHANNELS), (4, 5, 7, CHANNELS)])
def test_training_matches_oracle(shape):
    layer, images = make(), sample(shape)
    outputs = layer(images, training=True)
    wanted, mean, variance = oracle(images, *values(layer))
    np.testing.assert_allclose(outputs, wanted, atol=ROUNDING)
    np.testing.assert_allclose(
        layer.moving_mean, (1 - MOMENTUM) * mean, rtol=ROUNDING
    )
    np.testing.assert_allclose(
        layer.moving_variance,
        MOMENTUM + (1 - MOMENTUM) * variance,
        rtol=ROUNDING,
    )


@pytest.mark.parametrize("shape", [(6, CHANNELS), (4, 5, 7, CHANNELS)])
def test_inference_uses_moving_statistics(shape):
    layer, images = make(), sample(shape)
    layer.moving_mean.assign([0.5, -0.5, 0.0])
    layer.moving_variance.assign([1.0, 4.0, 0.25])
    gamma, beta = values(layer)
    wanted = (images - [0.5, -0.5, 0.0]) / np.sqrt(
        np.array([1.0, 4.0, 0.25]) + EPSILON
    ) * gamma + beta
    for outputs in (layer(images), layer(images, training=False)):
        np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=ROUNDING)
    np.testing.assert_array_equal(layer.moving_mean, [0.5, -0.5, 0.0])


def test_frozen_layer_stays_in_inference():
    layer, images = make(), sample((6, CHANNELS))
    layer.trainable = False
    np.testing.assert_array_equal(layer(images, training=True), layer(images))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(CHANNELS))


def test_without_centre_there_is_no_beta():
    layer = make(center=False)
    names = [variable.name for variable in layer.variables]
    assert names == ["gamma", "moving_mean", "moving_variance"]
    outputs = layer(sample((6, CHANNELS)), training=True)
    np.testing.assert_allclose(
        np.mean(outputs, axis=0), np.zeros(CHANNELS), atol=ROUNDING
    )


def test_gamma_may_start_at_zero():
    layer = norm.BatchNorm(gamma_initializer="zeros")
    outputs = layer(sample((6, CHANNELS)), training=True)
    np.testing.assert_array_equal(outputs, np.zeros((6, CHANNELS)))


def test_constant_large_channel_is_finite():
    images = np.full((64, CHANNELS), 1000.1, "float32")
    outputs = make()(images, training=True)
    assert np.all(np.isfinite(outputs))


def gradients(function, images):
    cotangent = sample(images.shape, seed=1)
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = tf.cast(function(images), tf.float32)
        total = tf.reduce_sum(outputs * cotangent)
    return tape.gradient(total, images)


@pytest.mark.parametrize("shape", [(16, CHANNELS), (4, 5, 7, CHANNELS)])
def test_fused_and_official_arithmetic_agree(shape):
    images, layers = sample(shape), (make(fused=True), make(fused=False))
    fused, official = (
        gradients(lambda rows, layer=layer: layer(rows, training=True), images)
        for layer in layers
    )
    np.testing.assert_allclose(fused, official, atol=ROUNDING)
    for one, other in zip(*(layer.variables for layer in layers), strict=True):
        np.testing.assert_allclose(one, other, rtol=ROUNDING)


def test_the_fused_operation_is_one_operation():
    def operations(layer):
        call = tf.function(lambda rows: layer(rows, training=True))
        graph = call.get_concrete_function(tf.TensorSpec([4, 5, 5, 3])).graph
        return [op.type for op in graph.get_operations()]

    assert operations(make()).count("FusedBatchNormV3") == 1
    assert "FusedBatchNormV3" not in operations(make(fused=False))


def test_held_statistics_normalise_and_do_not_move():
    layer, images = make(), sample((6, CHANNELS))
    expected = make()(images, training=True)
    with norm.statistics_held(), norm.statistics_held(False):
        outputs = layer(images, training=True)
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(CHANNELS))
    layer(images, training=True)
    assert np.all(layer.moving_mean.numpy() != 0)


@pytest.mark.parametrize("shape", [(16, CHANNELS), (4, 5, 7, CHANNELS)])
def test_half_precision_keeps_float32_statistics(shape):
    layer = make(dtype="mixed_bfloat16")
    images = tf.cast(sample(shape), tf.bfloat16)
    wanted, mean, variance = oracle(
        tf.cast(images, tf.float32).numpy(), *values(layer)
    )
    outputs = layer(images, training=True)
    assert outputs.dtype == tf.bfloat16
    assert {variable.dtype for variable in layer.variables} == {"float32"}
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float32), wanted, atol=BFLOAT16_ROUNDING
    )
    # The fused op's corrected variance would be off by 1 / 139 or 1 / 15.
    np.testing.assert_allclose(
        layer.moving_variance,
        MOMENTUM + (1 - MOMENTUM) * variance,
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        layer.moving_mean, (1 - MOMENTUM) * mean, rtol=1e-3
    )


def replicated_step(strategy, images, **kwargs):
    """Outputs and gradients of all rows, and the layer, after one step."""
    with strategy.scope():
        layer = make(**kwargs)
    cotangent = sample(images.shape, seed=1)

    @tf.function
    def replica_step():
        first = distribution.replica_index() * local
        rows = tf.constant(images)[first : first + local]
        weights = tf.constant(cotangent)[first : first + local]
        rows = tf.cast(rows, layer.compute_dtype)
        with tf.GradientTape() as tape:
            tape.watch(rows)
            outputs = tf.cast(layer(rows, training=True), tf.float32)
            total = tf.reduce_sum(outputs * weights)
        return outputs, tf.cast(tape.gradient(total, rows), tf.float32)

    local = len(images) // strategy.num_replicas_in_sync
    per_replica = strategy.run(replica_step)
    outputs, gradient = (
        np.concatenate(strategy.experimental_local_results(value))
        for value in per_replica
    )
    return outputs, gradient, layer


@pytest.mark.parametrize("num_replicas", [2, 4])
@pytest.mark.parametrize("shape", [(8, CHANNELS), (8, 3, 3, CHANNELS)])
def test_synchronised_equals_one_replica(mirrored, num_replicas, shape):
    images = sample(shape)
    one = replicated_step(tf.distribute.get_strategy(), images)
    many = replicated_step(mirrored(num_replicas), images)
    for wanted, got in zip(one[:2], many[:2], strict=True):
        np.testing.assert_allclose(got, wanted, atol=ROUNDING)
    for name in ("moving_mean", "moving_variance"):
        wanted = getattr(one[2], name).numpy()
        for copy in getattr(many[2], name).value.values:
            np.testing.assert_allclose(copy, wanted, rtol=ROUNDING)


def test_synchronised_in_half_precision(mirrored):
    images = sample((8, 3, 3, CHANNELS))
    dtype = "mixed_bfloat16"
    one = replicated_step(tf.distribute.get_strategy(), images, dtype=dtype)
    two = replicated_step(mirrored(2), images, dtype=dtype)
    np.testing.assert_allclose(two[0], one[0], atol=BFLOAT16_ROUNDING)
    np.testing.assert_allclose(
        two[2].moving_variance, one[2].moving_variance, rtol=1e-4
    )


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_unsynchronised_replicas_agree_on_moving_statistics(mirrored, dtype):
    images = sample((8, 2, 2, CHANNELS))
    outputs, _, layer = replicated_step(
        mirrored(2), images, synchronized=False, dtype=dtype
    )
    halves = [oracle(half, *values(layer)) for half in np.split(images, 2)]
    np.testing.assert_allclose(
        outputs,
        np.concatenate([half[0] for half in halves]),
        atol=ROUNDING if dtype == "float32" else 2 * BFLOAT16_ROUNDING,
    )
    mean = np.mean([half[1] for half in halves], axis=0)
    variance = np.mean([half[2] for half in halves], axis=0)
    for copy in layer.moving_mean.value.values:
        np.testing.assert_allclose(copy, 0.1 * mean, atol=1e-3)
    for copy in layer.moving_variance.value.values:
        np.testing.assert_allclose(copy, 0.9 + 0.1 * variance, rtol=1e-3)
