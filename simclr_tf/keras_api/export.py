"""A trained model written for others, as `--mode=export` writes it."""

import os
import typing

import keras
import tensorflow as tf

import simclr_tf
from simclr_tf import errors
from simclr_tf.exports import card, formats
from simclr_tf.exports import directory as export_directory


def export(
    model: typing.Any,
    directory: str | os.PathLike,
    *,
    image_size: int,
    format: str = "savedmodel",
    class_names: typing.Sequence[str] | None = None,
    step: int | None = None,
) -> str:
    """Writes a model card and the network into a directory.

    Args:
        model: a built `SimCLR`.
        directory: a new one, or an earlier export, which is replaced.
        image_size: side, px, that images were trained at.
        format: "savedmodel", for TensorFlow alone, `SavedModelLayer` and
            TensorFlow Hub; "keras", the whole model for
            `keras.models.load_model`; "onnx", the encoder.
        class_names: of the classifier, if there is one.
        step: that the weights were reached at, for the card; None for the
            optimizer's count.

    Returns:
        The directory.

    Raises:
        errors.UserError: for another format, a directory that holds anything
            else, or a package that is missing.
    """
    if format not in formats.NAMES:
        raise errors.UserError(
            f"format must be one of {', '.join(formats.NAMES)}; got {format!r}"
        )
    formats.check_available(format)
    lonely = _for_one_device(model, image_size)

    def fill(temporary):
        return formats.write(
            format,
            lonely,
            temporary,
            image_size=image_size,
            class_names=class_names,
        )

    return export_directory.replace(
        os.fspath(directory),
        fill,
        metadata={
            "format": format,
            "global_step": _step(model) if step is None else step,
            "image_size": image_size,
            "input": card.INPUT,
            "num_classes": _num_classes(model),
            "class_names": class_names and list(class_names),
            "versions": _versions(),
        },
    )


def _for_one_device(model, image_size):
    """The model itself, or a copy of one that replicas share."""
    if model.distribute_strategy.num_replicas_in_sync == 1:
        return model
    return model.copy_on(image_size)


def _step(model):
    """Optimizer updates so far; 0 of a model that is not compiled."""
    optimizer = getattr(model, "optimizer", None)
    return 0 if optimizer is None else int(optimizer.iterations.numpy())


def _num_classes(model):
    head = model.supervised_head
    return None if head is None else head.num_classes


def _versions():
    return {
        "simclr_tf": simclr_tf.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
