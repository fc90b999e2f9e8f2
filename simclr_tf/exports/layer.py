"""An export as a layer of a Keras 3 model."""

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import weights
from simclr_tf.exports import hub


@keras.saving.register_keras_serializable(package="simclr_tf")
class SavedModelLayer(keras.layers.Layer):
    """Applies a SavedModel of this project inside a Keras 3 model.

    Its variables are the layer's weights: they are listed, counted, saved and
    trained like any others. With `trainable=False` none moves, and batch norm
    uses its moving statistics. It takes and gives float32 under any dtype
    policy: the network computes in the precision that it was exported with.

    Args:
        directory: of the SavedModel.
        output: None for the features, or one of the named outputs of the
            official call, such as "block_group4".
        **kwargs: `name` and `trainable` of `keras.layers.Layer`.

    Raises:
        errors.UserError: if the directory holds no such SavedModel, or it has
            no such output.
    """

    def __init__(self, directory, output=None, **kwargs):
        """See the class."""
        super().__init__(**kwargs | {"dtype": "float32"})
        self.directory = str(directory)
        self.output_name = output
        self._loaded = _load(self.directory)
        self._shapes = _output_shapes(self._loaded)
        self._check_output()
        trained = {id(v) for v in self._loaded.trainable_variables}
        if output is not None:
            trained = {id(v) for v in self._loaded.trainable_variables_list}
        for variable in self._loaded.variables:
            self._adopt(variable, is_trained=id(variable) in trained)
        self.built = True

    def _check_output(self):
        if self.output_name in (None, *self._shapes):
            return
        reason = ""
        if self.output_name == hub.SUPERVISED_OUTPUT:
            reason = ", as this export has no supervised head"
        raise errors.UserError(
            f"output must be one of {', '.join(sorted(self._shapes))}{reason}; "
            f"got {self.output_name!r}"
        )

    def _adopt(self, variable, *, is_trained):
        """Makes a `tf.Variable` a weight of this layer, sharing its value."""
        weight = keras.Variable(
            initializer=variable.numpy(),
            trainable=is_trained,
            dtype=variable.dtype.name,
            name=variable.name.split(":")[0].replace("/", "_"),
        )
        weight._value = variable
        self._track_variable(weight)

    def call(self, images, training=False):
        """Features or the named output, float32.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: whether batch statistics normalise; only while the
                layer is trainable.

        Raises:
            errors.UserError: if the images are integers.
        """
        if not images.dtype.is_floating:
            raise errors.UserError(
                f"images must be floats in [0, 1]; got {images.dtype.name}"
            )
        is_training = bool(training) and self.trainable
        if self.output_name is None:
            return self._loaded(images, training=is_training)
        outputs = self._loaded(images, trainable=is_training)
        return outputs[self.output_name]

    def compute_output_shape(self, input_shape):
        """Shape of the output; sides of images are not followed."""
        name = self.output_name or "final_avg_pool"
        return (input_shape[0], *self._shapes[name][1:])

    def get_config(self):
        """The constructor's arguments."""
        own = {"directory": self.directory, "output": self.output_name}
        return super().get_config() | own


def _load(directory):
    try:
        loaded = tf.saved_model.load(directory)
    except (OSError, *weights.DAMAGE) as error:
        raise errors.UserError(
            f"directory must be a SavedModel; got {directory!r}"
        ) from error
    needed = ("variables", "trainable_variables", "trainable_variables_list")
    if not callable(loaded) or not all(hasattr(loaded, n) for n in needed):
        raise errors.UserError(
            "directory must be a SavedModel exported by simclr_tf; got "
            f"{directory!r}"
        )
    return loaded


def _output_shapes(loaded):
    call = loaded.__call__.get_concrete_function(hub.IMAGES, trainable=False)
    outputs = call.structured_outputs
    return {name: out.shape.as_list() for name, out in outputs.items()}
