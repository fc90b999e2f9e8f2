import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.evaluation import fingerprint
from simclr_tf.models import resnet, simclr


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    encoder = resnet.ResNet(10, width=1 / 16, stem="cifar", name="resnet")
    return simclr.SimCLR(encoder, num_classes=3, name="simclr").build_on(8)


def images(rows=4):
    generator = np.random.default_rng(0)
    return tf.constant(generator.random((rows, 8, 8, 3)), tf.float32)


def test_a_pass_in_inference_touches_nothing(model):
    before = fingerprint.of_model(model)
    model(images(), training=False)
    assert fingerprint.of_model(model) == before


def test_a_pass_in_training_moves_the_statistics_alone(model):
    before = fingerprint.of_model(model)
    model(images(), training=True)
    after = fingerprint.of_model(model)
    assert after.weights == before.weights
    assert after.statistics != before.statistics


def test_the_last_digit_of_any_weight_is_seen(model):
    before = fingerprint.of_model(model)
    for variable in model.trainable_variables:
        held = variable.numpy()
        nudged = held.copy()
        nudged.flat[-1] = np.nextafter(nudged.flat[-1], np.float32(9))
        variable.assign(nudged)
        after = fingerprint.of_model(model)
        assert after.weights != before.weights, variable.path
        assert after.statistics == before.statistics, variable.path
        variable.assign(held)
    assert fingerprint.of_model(model) == before


def test_freezing_changes_nothing(model):
    before = fingerprint.of_model(model)
    model.encoder.trainable = False
    assert fingerprint.of_model(model) == before
    model.encoder.trainable = True


def test_the_head_is_no_part_of_the_encoder(model):
    before = fingerprint.of_model(model.encoder)
    for variable in model.supervised_variables:
        variable.assign_add(tf.ones_like(variable))
    assert fingerprint.of_model(model.encoder) == before


def test_equal_numbers_have_equal_hashes_in_any_process():
    named = {"b": np.arange(3.0), "a": np.zeros((2, 2), np.float32)}
    turned = dict(reversed(named.items()))
    digest = fingerprint.of_variables(named)
    assert digest == fingerprint.of_variables(turned)
    assert digest.startswith("d19bc2f25cee3577")


@pytest.mark.parametrize(
    "changed",
    [
        {"c": np.zeros(4)},
        {"a": np.zeros(4, np.float32)},
        {"a": np.zeros((2, 2))},
        {"a": np.ones(4)},
        {"a": -np.zeros(4)},
        {},
    ],
)
def test_name_shape_dtype_and_value_all_count(changed):
    digest = fingerprint.of_variables({"a": np.zeros(4)})
    assert fingerprint.of_variables(changed) != digest


def test_other_models_batch_norm_is_known_too():
    plain = keras.Sequential(
        [keras.Input((3,)), keras.layers.BatchNormalization()]
    )
    before = fingerprint.of_model(plain)
    plain(tf.ones([2, 3]), training=True)
    after = fingerprint.of_model(plain)
    assert after.weights == before.weights
    assert after.statistics != before.statistics


def test_the_first_digits_are_shown():
    found = fingerprint.Fingerprint("ab" * 32, "cd" * 32)
    expected = "weights abababababab, batch-norm statistics cdcdcdcdcdcd"
    assert str(found) == expected


def test_names_shared_by_two_variables_are_refused():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__()
            self.first = keras.layers.Dense(2, name="twin")
            self.second = keras.layers.Dense(2, name="twin")

        def call(self, inputs):
            return self.second(self.first(inputs))

    twins = Twins()
    twins(tf.ones([1, 2]))
    with pytest.raises(ValueError, match="two variables are called"):
        fingerprint.of_model(twins)
