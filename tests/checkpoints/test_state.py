"""Everything is built before training; nothing is built twice."""

import keras
import tensorflow as tf

from simclr_tf.checkpoints import state


class Counted(keras.Model):
    """A dense layer that counts its passes."""

    def __init__(self):
        super().__init__(name="counted")
        self.dense = keras.layers.Dense(3, name="dense")
        self.num_passes = 0

    def call(self, images, training=False):
        self.num_passes += 1
        return self.dense(tf.reshape(images, [-1, 12]))


def make(model):
    return state.make_state(model, keras.optimizers.SGD(0.1), image_size=2)


def test_a_new_model_is_built_by_a_pass():
    run = make(Counted())
    assert run.model.num_passes > 0
    assert run.model.dense.kernel.shape == (12, 3)
    assert run.optimizer.built
    assert run.step == 0


def test_a_built_model_is_not_called_again():
    model = Counted()
    model(tf.zeros([1, 2, 2, 3]))
    num_passes, kernel = model.num_passes, model.dense.kernel
    run = make(model)
    assert model.num_passes == num_passes
    assert run.model.dense.kernel is kernel
    assert run.optimizer.built
