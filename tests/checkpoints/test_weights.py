"""Matching a model's variables with a checkpoint's."""

import keras
import pytest
import tensorflow as tf

from simclr_tf.checkpoints import checkpoint, state, weights


class TwoParts(keras.Model):
    def __init__(self, width, classes):
        super().__init__(name="two_parts")
        self.encoder = keras.layers.Dense(width, name="encoder")
        self.head = keras.layers.Dense(classes, name="head")

    def call(self, images, training=False):
        return self.head(self.encoder(tf.reshape(images, [-1, 12])))


def make_state(width=4, classes=3, seed=0):
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    return state.make_state(TwoParts(width, classes), optimizer, image_size=2)


@pytest.fixture
def saved(tmp_path):
    return checkpoint.Checkpoints(str(tmp_path), make_state(seed=1)).save()


def test_the_same_model_matches_exactly(saved):
    ours = make_state()
    found = weights.match(
        weights.variable_table(ours), weights.read_shapes(saved)
    )
    assert found.is_exact
    assert len(found.matched) > len(ours.model.variables)


def test_what_differs_is_named(saved):
    ours = make_state(width=5, classes=3)
    found = weights.match(
        weights.variable_table(state.TrainState(ours.model, None)),
        weights.read_shapes(saved),
    )
    assert not found.is_exact
    assert not found.missing
    odd = {key for key, *_ in found.misshapen}
    assert odd == {
        "model/two_parts/encoder/kernel",
        "model/two_parts/encoder/bias",
        "model/two_parts/head/kernel",
    }
    assert all(key.startswith("optimizer/") for key in found.unexpected)
    assert "3 of another shape" in str(found)


def test_variables_sharing_a_path_are_refused():
    class Twins(keras.Model):
        def __init__(self):
            super().__init__(name="twins")
            self.a = keras.layers.Dense(2, name="same")
            self.b = keras.layers.Dense(2, name="same")

        def call(self, images, training=False):
            return self.a(images) + self.b(images)

    run = state.make_state(Twins(), keras.optimizers.SGD(0.1), image_size=2)
    with pytest.raises(ValueError, match="twins/same"):
        weights.variable_table(run)
