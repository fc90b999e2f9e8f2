"""An export as a layer of a Keras 3 model."""

import os
import typing

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import opened, weights
from simclr_tf.exports import hub
from simclr_tf.models import initial_weights

FEATURES = "final_avg_pool"
"""The named output that the features are."""


@keras.saving.register_keras_serializable(package="simclr_tf")
class SavedModelLayer(keras.layers.Layer):
    """Applies a SavedModel of this project inside a Keras 3 model.

    The network is rebuilt from its recorded configuration; no graph is
    loaded. Its variables are the layer's weights: they are listed, counted,
    saved and trained like any others. With `trainable=False` none moves, and
    batch norm uses its moving statistics. It takes and gives float32 under
    any dtype policy: the network computes in the precision that it was
    exported with.

    A `.keras` file that holds the layer holds the whole network: the
    SavedModel is read once, here, and may be moved or removed afterwards.

    Args:
        directory: of the SavedModel.
        output: None for the features, or one of the named outputs of the
            official call, such as "block_group4". Only those of the heads
            bring the heads' weights along.
        network: what `get_config` recorded, in place of reading `directory`.
        **kwargs: `name` and `trainable` of `keras.layers.Layer`.

    Raises:
        errors.UserError: if the directory holds no such SavedModel, or it has
            no such output.
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        output: str | None = None,
        *,
        network: dict | None = None,
        **kwargs: typing.Any,
    ) -> None:
        """See the class."""
        super().__init__(**kwargs | {"dtype": "float32"})
        self.directory = str(directory)
        self.output_name = output
        if network is None:
            self.network = _open(self.directory, output)
        else:
            self.network = _rebuild(network)
        self.network.trainable = self.trainable
        self.built = True

    def call(self, images, training=False):
        """Features or the named output, float32.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: whether batch statistics normalise; only while the
                layer is trainable.

        Raises:
            errors.UserError: if the images are integers.
        """
        dtype = tf.as_dtype(images.dtype)
        if not dtype.is_floating:
            raise errors.UserError(
                f"images must be floats in [0, 1]; got {dtype.name}"
            )
        is_training = bool(training) and self.trainable
        if self.output_name in (None, FEATURES):
            made = self.network(images, training=is_training)
        else:
            outputs = self.network.endpoints(images, training=is_training)
            made = outputs[self.output_name]
        return tf.cast(made, tf.float32)

    def get_config(self):
        """The constructor's arguments, the network as its configuration."""
        return super().get_config() | {
            "directory": self.directory,
            "output": self.output_name,
            "network": hub.configuration(self.network),
        }


def _open(directory, output):
    """The part of an export that an output needs, with its weights."""
    with errors.about("directory"):
        found = opened.open_checkpoint(directory)
    facts = found.facts
    if not facts.get("network"):
        raise _not_serialised(directory)
    _check_output(output, facts["outputs"])
    try:
        network = _rebuild(facts["network"])
    except TypeError as error:  # of a class that nobody has registered
        raise _not_serialised(directory) from error
    _fill(network, found)
    return network if output in hub.HEAD_OUTPUTS else network.encoder


def _not_serialised(directory):
    return errors.UserError(
        "directory must be a SavedModel exported by this version of "
        "simclr_tf, of a network that Keras can serialise; got "
        f"{directory!r}"
    )


def _check_output(output, outputs):
    if output in (None, *outputs):
        return
    reason = ""
    if output == hub.SUPERVISED_OUTPUT:
        reason = ", as this export has no supervised head"
    raise errors.UserError(
        f"output must be one of {', '.join(sorted(outputs))}{reason}; "
        f"got {output!r}"
    )


def _rebuild(configuration):
    with initial_weights.drawn_from(0):  # none of which stays
        return keras.saving.deserialize_keras_object(configuration)


def _fill(network, found):
    """Gives all variables the values of an opened export, in its order."""
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(found.prefix)
        values = [reader.get_tensor(key) for key in found.keys.values()]
    except weights.DAMAGE as error:
        raise errors.UserError(
            f"directory must hold a whole SavedModel; got {found.path!r}: "
            f"{weights.first_line(error)}"
        ) from error
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
