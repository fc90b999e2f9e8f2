"""Matching a model's variables with a checkpoint's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.training import checkpoint, state, weights


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
    run = make_state(seed=1)
    run.optimizer.iterations.assign(7)
    return checkpoint.Checkpoints(str(tmp_path), run).save(), run


def test_weights_come_and_the_step_stays_fresh(saved):
    prefix, theirs = saved
    ours = make_state()
    found = weights.load_weights(prefix, ours)
    assert len(found.matched) == len(theirs.model.variables)
    assert found.is_exact
    assert ours.step == 0
    for a, b in zip(ours.model.variables, theirs.model.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_another_width_is_refused_by_name(saved):
    with pytest.raises(errors.UserError, match="encoder/kernel"):
        weights.load_weights(saved[0], make_state(width=5))


def test_a_fresh_head_keeps_its_own_values(saved):
    prefix, theirs = saved
    ours = make_state(classes=5)
    before = ours.model.head.kernel.numpy()
    found = weights.load_weights(prefix, ours, fresh=ours.model.head.variables)
    assert len(found.misshapen) == 2
    np.testing.assert_array_equal(ours.model.head.kernel.numpy(), before)
    np.testing.assert_array_equal(
        ours.model.encoder.kernel.numpy(), theirs.model.encoder.kernel.numpy()
    )


def test_a_checkpoint_of_something_else_matches_nothing(tmp_path):
    prefix = tf.train.Checkpoint(x=tf.Variable(1.0)).write(str(tmp_path / "c"))
    with pytest.raises(errors.UserError, match="0 matched"):
        weights.load_weights(prefix, make_state())


def test_an_unreadable_checkpoint_is_one_line(tmp_path):
    (tmp_path / "bad.index").write_bytes(b"nonsense")
    with pytest.raises(errors.UserError) as caught:
        weights.load_weights(str(tmp_path / "bad"), make_state())
    assert "\n" not in str(caught.value)


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
