import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.optim import lamb, lars, optimizers

RTOL = 1e-6  # float32 against float64
# 1 - 0.999^t loses 10 of 24 bits: 1e-4 of each of five steps of 0.01.
ADAM_ATOL = 5e-6


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_every_name_makes_an_optimizer_that_descends(name):
    variable = keras.Variable(np.ones((3, 2), "float32"))
    optimizer = optimizers.make_optimizer(name, 0.1)
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(variable.value))
        optimizer.apply([tape.gradient(loss, variable.value)], [variable])
    assert np.sum(np.square(variable.numpy())) < 6.0


def test_momentum_is_nesterovs_and_does_not_decay():
    optimizer = optimizers.make_optimizer(
        "momentum", 0.1, momentum=0.8, weight_decay=1.0
    )
    variable = keras.Variable(np.ones(2, "float32"))
    weight, velocity = np.ones(2), np.zeros(2)
    for gradient in (np.array([1.0, -2.0]), np.array([0.5, 3.0])):
        velocity = 0.8 * velocity - 0.1 * gradient
        weight = weight + 0.8 * velocity - 0.1 * gradient
        optimizer.apply([gradient.astype("float32")], [variable])
    np.testing.assert_allclose(variable.numpy(), weight, rtol=RTOL)


def test_adam_has_the_defaults_of_keras_and_does_not_decay():
    optimizer = optimizers.make_optimizer("adam", 3e-4, weight_decay=1.0)
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert optimizer.weight_decay is None
    assert (optimizer.beta_1, optimizer.beta_2) == (0.9, 0.999)
    assert optimizer.epsilon == 1e-7


def test_adam_corrects_the_bias_in_the_rate_and_adds_epsilon_to_the_root():
    # Kingma and Ba 2015, end of section 2, as in Keras of TensorFlow 2.15:
    # epsilon counts beside the uncorrected moment, which tiny gradients show.
    rng = np.random.default_rng(0)
    weight = rng.standard_normal(4)
    variable = keras.Variable(weight.astype("float32"))
    optimizer = optimizers.make_optimizer("adam", 0.01)
    first, second = np.zeros(4), np.zeros(4)
    for step in range(1, 6):
        gradient = rng.standard_normal(4) * [1.0, 1e-2, 1e-6, 1e-8]
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        weight = weight - rate * first / (np.sqrt(second) + 1e-7)
        optimizer.apply([gradient.astype("float32")], [variable])
    np.testing.assert_allclose(variable.numpy(), weight, atol=ADAM_ATOL)


def test_lars_is_the_official_variant():
    head = keras.Variable(np.ones((2, 2), "float32"), name="head")
    optimizer = optimizers.make_optimizer(
        "lars", 0.3, weight_decay=1e-4, exclude=[head], lars_eta=0.002
    )
    assert isinstance(optimizer, lars.LARS)
    config = optimizer.get_config()
    assert config["exclude"] == [head.path]
    assert config["learning_rate"] == pytest.approx(0.3)
    assert config["momentum"] == 0.9
    assert config["weight_decay"] == 1e-4
    assert config["eta"] == 0.002
    assert not config["nesterov"]
    assert config["classic_momentum"]


def test_lamb_spares_vectors_and_the_head():
    head = keras.Variable(np.ones((2, 2), "float32"), name="head")
    optimizer = optimizers.make_optimizer(
        "lamb", 0.3, weight_decay=1e-4, exclude=[head]
    )
    assert isinstance(optimizer, lamb.LAMB)
    assert optimizer.exclude_vectors
    assert optimizer.get_config()["exclude"] == [head.path]


def test_an_unknown_name_is_refused():
    with pytest.raises(errors.UserError, match=r"momentum, .*; got 'sgdm'"):
        optimizers.make_optimizer("sgdm", 0.1)
