"""What training changes: the model, the optimizer, and the step count."""

import typing

import keras
import tensorflow as tf


class TrainState(typing.NamedTuple):
    """A built model beside its built optimizer.

    Attributes:
        model: a built `keras.Model`.
        optimizer: a `keras.optimizers.Optimizer` built on the model's
            trainable variables.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer

    @property
    def step(self):
        """Optimizer updates so far, a Python int."""
        return int(self.optimizer.iterations.numpy())


def make_state(model, optimizer, *, image_size):
    """Builds every variable before anything is traced or restored.

    Slots made inside a traced function are lost to `tf.distribute` and to
    checkpoints, so a model not yet built is called once on a dummy image, and
    the optimizer is built by hand. Call inside `strategy.scope()`.

    Args:
        model: the `SimCLR` model.
        optimizer: its optimizer, not yet built.
        image_size: side of the square input, px.

    Returns:
        A `TrainState`.
    """
    if not model.built:
        model(tf.zeros([2, image_size, image_size, 3]), training=False)
    optimizer.build(model.trainable_variables)
    return TrainState(model, optimizer)
