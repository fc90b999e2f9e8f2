"""SavedModels for TF Hub's interface and for clients of the official ones.

The exported graph has no collectives, so it can be fine-tuned anywhere.

Dimension letters: `B` rows, `H W` image axes, `D` features.
"""

import functools
import os
import tempfile

import keras
import tensorflow as tf

from simclr_tf import files
from simclr_tf.exports import serving

IMAGES = tf.TensorSpec([None, None, None, 3], tf.float32, name="images")
SUPERVISED_OUTPUT = "logits_sup"
LABELS_FILE = "labels.txt"
"""Names of the classes, by number, among the assets."""
HEAD_OUTPUTS = ("proj_head_input", "proj_head_output", SUPERVISED_OUTPUT)
"""Named outputs that an encoder alone does not give."""


class HubModel(tf.train.Checkpoint):
    """What a SavedModel holds: a whole `SimCLR`, callable in two ways.

    `model(images)` and `model(images, training=...)` give the features, as
    the Reusable SavedModel interface asks. `model(images, trainable=...)`
    gives the dict of all named outputs, as the official SavedModels do.

    Attributes:
        variables: all variables, heads included.
        trainable_variables: those of the encoder, which the features depend
            on.
        trainable_variables_list: all trainable ones (official name).
        regularization_losses: empty; weight decay is the user's to choose.

    Source: TensorFlow Hub, "Reusable SavedModels" and "Common SavedModel
    APIs: image feature vector"; official tf2/run.py, `build_saved_model`.
    """

    def __init__(self, model):
        """Traces every permitted call.

        Args:
            model: a built `SimCLR`, without synchronised batch norm.
        """
        super().__init__()
        self._model = model
        self.variables = _values(model.variables)
        self.trainable_variables = _values(model.encoder.trainable_variables)
        self.trainable_variables_list = _values(model.trainable_variables)
        self.regularization_losses = []
        for given in ({"training": False}, {"training": True},
                      {"trainable": False}, {"trainable": True}):  # fmt: skip
            self.__call__.get_concrete_function(IMAGES, **given)

    @tf.function
    def __call__(self, images, training=False, trainable=None):
        """Features before the head, or all named outputs.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: Python bool; True uses and moves batch statistics.
            trainable: the official word for `training`; if given, the
                result is a dict.

        Returns:
            float32 [B, D]; or a dict of float32 tensors, see
            `SimCLR.endpoints`.
        """
        if trainable is None:
            features = self._model.encoder(images, training=training)
            return tf.cast(features, tf.float32)
        outputs = self._model.endpoints(images, training=trainable)
        return {k: tf.cast(v, tf.float32) for k, v in outputs.items()}

    def output_shapes(self):
        """Shapes of the named outputs by name, open axes None."""
        call = self.__call__.get_concrete_function(IMAGES, trainable=False)
        outputs = call.structured_outputs
        return {name: out.shape.as_list() for name, out in outputs.items()}


def write(model, directory, *, image_size, class_names=None):
    """Writes a SavedModel into an existing, empty directory.

    With a supervised head it has signatures that classify; with class names
    these are in the asset `labels.txt`, a line each.

    Args:
        model: a built `SimCLR`, without synchronised batch norm.
        directory: where to.
        image_size: side in pixels that the signatures for uint8 images and
            JPEG files bring images to.
        class_names: of the supervised head, or None.

    Returns:
        dict of facts for the metadata; "variables" lists the paths of the
        model's variables in the order of the attribute `variables`;
        "network" is its `configuration`.
    """
    root = HubModel(model)
    signatures = serving.make_signatures(
        functools.partial(root, training=False),
        images=IMAGES,
        image_size=image_size,
    )
    if model.supervised_head is not None:
        signatures |= serving.make_classifiers(
            lambda images: root(images, trainable=False)[SUPERVISED_OUTPUT],
            image_size=image_size,
            class_names=class_names,
        )
    with tempfile.TemporaryDirectory() as labels:
        if class_names and model.supervised_head is not None:
            root.labels = _labels_asset(labels, class_names)
        tf.saved_model.save(root, directory, signatures=signatures)
    return {
        "format": "savedmodel",
        "outputs": root.output_shapes(),
        "signatures": sorted(signatures),
        "variables": [variable.path for variable in model.variables],
        "network": configuration(model),
    }


def _labels_asset(directory, class_names):
    """The names as an asset, which saving copies from a directory."""
    path = os.path.join(directory, LABELS_FILE)
    lines = (name.replace("\n", " ") + "\n" for name in class_names)
    files.write_text(path, "".join(lines))
    return tf.saved_model.Asset(path)


def configuration(network):
    """What `keras.saving.deserialize_keras_object` makes the network of.

    Args:
        network: a built Keras model.

    Returns:
        A JSON-able dict; None for an encoder that Keras cannot serialise.
    """
    try:
        found = keras.saving.serialize_keras_object(network)
    except NotImplementedError:  # Keras', of a class without `get_config`
        return None  # the SavedModel serves all the same, but for our layer
    found.pop("compile_config", None)
    return found


def _values(variables):
    return [variable.value for variable in variables]
