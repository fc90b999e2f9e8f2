"""SavedModels in the Reusable format of TF Hub.

The exported graph has no collectives, so it can be fine-tuned anywhere.
"""

import os
import uuid

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.training import whole_file

METADATA_FILE = "simclr_metadata.json"
"""Lies beside `saved_model.pb` and marks a directory as ours."""


class HubEncoder(tf.train.Checkpoint):
    """The Reusable SavedModel interface over a `SimCLR` model's encoder.

    Source: TensorFlow Hub, "Reusable SavedModels" and "Common SavedModel
    APIs: image feature vector".
    """

    def __init__(self, model):
        """Traces every permitted call.

        Args:
            model: a built `SimCLR`, without synchronised batch norm.
        """
        super().__init__()
        self._encoder = encoder = model.encoder
        self.variables = [v.value for v in encoder.variables]
        self.trainable_variables = [
            v.value for v in encoder.trainable_variables
        ]
        self.regularization_losses = []
        for training in (False, True):
            self.__call__.get_concrete_function(IMAGES, training=training)

    @tf.function
    def __call__(self, images, training=False):
        """Features before the head.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: Python bool; True uses and moves batch statistics.

        Returns:
            float32 [B, D].
        """
        return self._encoder(images, training=training)

    @tf.function
    def serve(self, images):
        """The signature: `images` to `{"default": features}`."""
        return {"default": self._encoder(images, training=False)}


IMAGES = tf.TensorSpec([None, None, None, 3], tf.float32, name="images")


def save(model, directory, *, metadata):
    """Writes a SavedModel under a temporary name, then moves it.

    Args:
        model: a built `SimCLR`, without synchronised batch norm.
        directory: where it is to lie; replaced only if it is an export too.
        metadata: JSON-able facts to lie beside it.

    Returns:
        `directory`.

    Raises:
        errors.UserError: if `directory` exists and is not one of ours.
    """
    check_replaceable(directory)
    root = HubEncoder(model)
    temporary = f"{directory}.tmp-{uuid.uuid4().hex[:8]}"
    serve = root.serve.get_concrete_function(IMAGES)
    tf.saved_model.save(
        root,
        temporary,
        signatures={"serving_default": serve, "image_feature_vector": serve},
    )
    whole_file.write_json(os.path.join(temporary, METADATA_FILE), metadata)
    if _is_export(directory):
        tf.io.gfile.rmtree(directory)
    _move(temporary, directory)
    return directory


def check_replaceable(directory):
    """Raises `UserError` if `directory` holds anything but an export of ours.

    Args:
        directory: the path to export to.
    """
    if tf.io.gfile.exists(directory) and not _is_export(directory):
        raise errors.UserError(
            f"export_dir must be new or an earlier export; got {directory!r}"
        )


def sweep(parent, *, keep):
    """Removes all but the newest exports `parent/<step>`.

    Args:
        parent: the directory of exports.
        keep: how many to keep; 0 keeps all.
    """
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(parent)]
    steps = sorted(int(name) for name in names if name.isdigit())
    for step in steps[:-keep] if keep else []:
        old = os.path.join(parent, str(step))
        check_replaceable(old)
        tf.io.gfile.rmtree(old)


def _is_export(directory):
    return tf.io.gfile.exists(os.path.join(directory, METADATA_FILE))


def _move(source, target):
    """Renames a SavedModel; file by file where stores rename no folder.

    There the metadata goes first, so that a move cut short is known as ours,
    and `saved_model.pb` last: until then nothing can be loaded.
    """
    if "://" not in target:
        tf.io.gfile.rename(source, target)
        return
    places = {METADATA_FILE: 0, "saved_model.pb": 2}
    names = [
        os.path.join(folder, name)
        for folder, _, files in tf.io.gfile.walk(source)
        for name in files
    ]
    for name in sorted(names, key=lambda n: places.get(os.path.basename(n), 1)):
        moved = target + name.removeprefix(source)
        tf.io.gfile.makedirs(os.path.dirname(moved))
        tf.io.gfile.rename(name, moved)
    tf.io.gfile.rmtree(source)
