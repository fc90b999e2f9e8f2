"""Features of images, by any encoder.

Legend: `n` images, `D` features.
"""

import typing

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import pipeline, sources
from simclr_tf.evaluation import features
from simclr_tf.keras_api import batches
from simclr_tf.models import simclr

WHOLE = 1.0
"""Central fraction of images that are taken as they are."""


def embed(
    encoder: typing.Callable,
    images: typing.Any,
    *,
    image_size: int | None = None,
    batch_size: int = 256,
) -> np.ndarray:
    """The features of images, in inference.

    Args:
        encoder: a `SimCLR`, of which the features before the projection head
            are taken, or any Keras model or function from float32 images
            [B, S, S, C] in [0, 1] to [B, D]; maps [B, H, W, D] are averaged.
        images: uint8, or float in [0, 1], [n, H, W, C], or what
            `open_dataset` returns.
        image_size: side S, px, to which images are brought as the command
            line's evaluation does: above 32 px by a central crop. None takes
            images as they are.
        batch_size: images at a time.

    Returns:
        float32 [n, D].

    Raises:
        errors.UserError: if the images are not as above.
    """
    return labelled_features(
        encoder,
        (images, None),
        image_size=image_size,
        batch_size=batch_size,
    ).values


def labelled_features(encoder, data, *, image_size=None, batch_size=256):
    """The `features.Features` of images and their labels; see `embed`.

    Args:
        encoder: as in `embed`.
        data: (images, labels), or what `open_dataset` returns.
        image_size: as in `embed`.
        batch_size: as in `embed`.
    """
    source = source_of(data)
    dataset = pipeline.eval_dataset(
        source, batch_size=batch_size, **_preparation(source, image_size)
    )
    return features.extract(_inference(encoder), map(_with_labels, dataset))


def source_of(data):
    """A `Source` of (images, labels), or of what is one already."""
    if isinstance(data, sources.Source):
        return data
    if not (isinstance(data, tuple | list) and len(data) == 2):
        raise errors.UserError(
            "data must be (images, labels), or what open_dataset returns; got "
            f"{type(data).__name__}"
        )
    return batches.as_source(*data)


def _preparation(source, image_size):
    """Arguments of `views.eval_images`."""
    if image_size is not None:
        return {"image_size": image_size}
    is_array = isinstance(source, sources.ArraySource)
    height, width = source.images.shape[1:3] if is_array else (None, None)
    if not is_array or height != width:
        raise errors.UserError(
            "image_size must be given for images that are not square, or of "
            f"many sizes; got {image_size!r}"
        )
    return {"image_size": height, "central_fraction": WHOLE}


def _inference(encoder):
    """A graph function from images to features."""

    @tf.function(reduce_retracing=True, autograph=False)
    def encode(images):
        if isinstance(encoder, tf.Module):
            outputs = encoder(images, training=False)
        else:
            outputs = encoder(images)
        if isinstance(outputs, simclr.Outputs):
            outputs = outputs.features
        return outputs

    return encode


def _with_labels(batch):
    """The batch, with labels that stand for none where there are none."""
    missing = tf.fill(tf.shape(batch["mask"]), -1)
    return {"labels": missing, **batch}
