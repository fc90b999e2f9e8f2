"""The encoder as an ONNX file, by Keras' own exporter."""

import contextlib
import importlib
import logging
import math
import os
import tempfile
import warnings

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import initial_weights, resnet

FILE = "encoder.onnx"
INPUT = "images"
OUTPUT = "features"
MAX_BYTES = 2**31
"""What one protocol buffer holds; Keras' exporter writes one."""


def write(model, temporary_directory, *, image_size):
    """Writes `encoder.onnx`: images [B, S, S, 3] to features [B, D].

    Both are float32; B is open, S is `image_size`. Moving statistics
    normalise. A residual network that computes in bfloat16 is written in
    float32, which its weights are.

    Args:
        model: a built `simclr.SimCLR`.
        temporary_directory: an existing directory, remote ones included.
        image_size: S, in pixels.

    Returns:
        The path of the file.

    Raises:
        errors.UserError: if tf2onnx cannot be imported, the weights are too
            large for the format, or the encoder is of another kind and
            computes in less than float32.
    """
    check_available()
    _check_size(model.encoder)
    encoder = _in_float32(model.encoder, image_size)
    images = keras.Input([image_size, image_size, 3], name=INPUT)
    features = encoder(images, training=False)
    network = keras.Model(images, {OUTPUT: features})
    spec = tf.TensorSpec([None, *images.shape[1:]], tf.float32, name=INPUT)
    path = os.path.join(temporary_directory, FILE)
    with tempfile.TemporaryDirectory() as local, _quietly():
        written = os.path.join(local, FILE)
        network.export(
            written, format="onnx", verbose=False, input_signature=[spec]
        )
        tf.io.gfile.copy(written, path)
    return path


def check_available():
    """Raises `UserError` if tf2onnx, which does the work, cannot be used."""
    try:
        importlib.import_module("tf2onnx")
    # Of releases that do not fit together, each package raises its own kind.
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise errors.UserError(
            "export_format 'onnx' needs tf2onnx (pip install tf2onnx); "
            f"got {type(error).__name__}: {reason}"
        ) from error


def _check_size(encoder):
    num_bytes = sum(4 * math.prod(v.shape) for v in encoder.variables)
    if num_bytes >= MAX_BYTES:
        raise errors.UserError(
            "export_format 'onnx' needs an encoder below 2 GiB; got "
            f"{num_bytes / 2**30:.1f} GiB"
        )


def _in_float32(encoder, image_size):
    """The encoder itself, or its copy that computes in float32."""
    dtypes = {layer.compute_dtype for layer in encoder._flatten_layers()}
    if dtypes == {"float32"}:
        return encoder
    if not isinstance(encoder, resnet.ResNet):
        raise errors.UserError(
            "export_format 'onnx' needs an encoder that computes in float32; "
            f"got {sorted(dtypes)}"
        )
    with initial_weights.drawn_from(0):  # none of which stays
        wide = resnet.ResNet(**{**encoder.get_config(), "dtype": "float32"})
        wide(tf.zeros([1, image_size, image_size, 3]), training=False)
    wide.set_weights(encoder.get_weights())
    return wide


@contextlib.contextmanager
def _quietly():
    """Without tf2onnx's progress and what Keras' patch of it brings up."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
