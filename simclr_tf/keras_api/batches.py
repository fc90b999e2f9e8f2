"""From what Keras users give to `fit` to batches of one size.

A batch is what `training.steps` takes, a dict of "images" or "crops",
"positions" and perhaps "labels", or images, or a pair of images and labels.
Legend: `n` examples, `b` rows of a batch, `H W C` image size.
"""

import contextlib
import warnings

import numpy as np
import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.augment import entry
from simclr_tf.data import pipeline, sources

EVALUATION_EPOCH = 2**30
"""The number of the one epoch that evaluations look at: no training gets so
far, so evaluations have views of their own, the same each time."""
BATCH_SIZE = 256
"""Images of a batch where none is given, or all of fewer."""


def as_source(images, labels=None):
    """A `Source` of arrays; a `Source` is returned as it is.

    Args:
        images: uint8, or floats in [0, 1], [n, H, W, C]; or a `Source`.
        labels: integers [n] or [n, 1], -1 for none; None for no labels.

    Raises:
        errors.UserError: for other images or labels.
    """
    if isinstance(images, sources.Source):
        return images
    images = _checked_array(images)
    if labels is not None:
        labels = _checked_labels(labels, len(images))
    return sources.ArraySource(
        name="array",
        split="",
        num_examples=len(images),
        num_classes=None if labels is None else int(labels.max()) + 1,
        images=images,
        labels=labels,
    )


def train_batches(source, *, batch_size, start_position, seed, crops=None):
    """Endless batches in the command line's order; see `pipeline`."""
    return pipeline.train_dataset(
        source,
        batch_size=batch_size,
        start_position=start_position,
        seed=seed,
        crops=crops,
    )


def unshuffled_batches(source, *, batch_size, start_position):
    """Endless batches of an `ArraySource` in stored order.

    Args:
        source: an `ArraySource`.
        batch_size: rows.
        start_position: of the first row.
    """

    def gather(first):
        positions = first + tf.range(batch_size, dtype=tf.int64)
        indices = positions % source.num_examples
        batch = {
            "images": tf.gather(source.images_tensor, indices),
            "positions": positions,
        }
        if source.labels is not None:
            batch["labels"] = tf.gather(source.labels, indices)
        return batch

    return pipeline.count(start_position, batch_size).map(gather)


def evaluation_batches(source, *, batch_size, seed, crops=None):
    """Every image once but for an incomplete last batch, always the same.

    Args:
        source: any `Source`.
        batch_size: rows.
        seed: of order and views.
        crops: as of `pipeline.train_dataset`.
    """
    batches = train_batches(
        source,
        batch_size=batch_size,
        start_position=EVALUATION_EPOCH * source.num_examples,
        seed=seed,
        crops=crops,
    )
    num_batches = source.num_examples // batch_size
    batches = batches.take(num_batches)
    return batches.apply(tf.data.experimental.assert_cardinality(num_batches))


def size_of(source, batch_size, *, num_replicas):
    """Images of a batch, over all replicas.

    Args:
        source: any `Source`.
        batch_size: what the user gave; None for `BATCH_SIZE`.
        num_replicas: that share it.

    Raises:
        errors.UserError: if there are not so many images, or the replicas
            cannot share them.
    """
    most = source.num_examples
    if batch_size is None:
        batch_size = min(BATCH_SIZE, most)
        batch_size -= batch_size % num_replicas
    if not 1 <= batch_size <= most:
        raise errors.UserError(
            f"batch_size must be from 1 to the {most} images; got {batch_size}"
        )
    check_divides(batch_size, num_replicas=num_replicas)
    return batch_size


def check_divides(batch_size, *, num_replicas):
    """Raises `UserError` for a batch that replicas cannot share evenly."""
    if batch_size is not None and batch_size % num_replicas:
        raise errors.UserError(
            f"batch_size must be a multiple of the {num_replicas} replicas; "
            f"got {batch_size}"
        )


def positions(images, step):
    """Positions of this replica's images, int64 [b]: step x B and on.

    Args:
        images: [b, H, W, C].
        step: steps before this one, an integer.
    """
    num_images = tf.shape(images, out_type=tf.int64)[0]
    num_all = num_images * distribution.num_replicas()
    start = tf.cast(step, tf.int64) * num_all
    return distribution.positions_from(start, num_images)


def of_one_size(dataset):
    """The dataset without batches smaller than its first.

    The loss compares the images of a batch with each other, and replicas must
    hold the same number of them.

    Args:
        dataset: a `tf.data.Dataset` of batches.
    """
    spec = first_component(dataset.element_spec)
    if spec.shape.rank is None or spec.shape[0] is not None:
        return dataset
    for batch in dataset.take(1):
        size = int(tf.shape(first_component(batch))[0])
    return dataset.filter(
        lambda *batch: tf.shape(first_component(batch))[0] == size
    ).map(lambda *batch: _with_rows(batch, size))


@contextlib.contextmanager
def ending_early():
    """Without Keras' warning of datasets whose number of batches it expected.

    A dataset that `of_one_size` has left a batch out of ends so.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        yield


def first_component(batch):
    """The images of a batch, or their spec."""
    if isinstance(batch, dict):
        return batch["images"] if "images" in batch else batch["crops"]
    if isinstance(batch, tuple | list):
        return first_component(batch[0])
    return batch


def check_images(images):
    """Images of a dataset as uint8 or float32; other numbers are refused.

    Args:
        images: a tensor [b, H, W, C].

    Raises:
        errors.UserError: for another type or rank.
        tf.errors.InvalidArgumentError: while running, if floats are outside
            of [0, 1].
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8 and not images.dtype.is_floating:
        raise errors.UserError(
            f"images must be uint8, or floats in [0, 1]; got "
            f"{images.dtype.name}"
        )
    if images.shape.rank not in (None, 4):
        raise errors.UserError(
            f"images must be [B, H, W, C]; got shape {images.shape}"
        )
    if images.dtype == tf.uint8:
        return images
    images = tf.cast(images, tf.float32)
    low, high = tf.reduce_min(images), tf.reduce_max(images)
    is_right = (low >= -entry.ROUNDING) & (high <= 1 + entry.ROUNDING)
    advice = "float images must be in [0, 1]: divide by 255, or pass uint8"
    with tf.control_dependencies(
        [tf.debugging.Assert(is_right, [advice, low, high])]
    ):
        return tf.identity(images)


def _checked_array(images):
    images = np.asarray(images)
    if images.ndim != 4 or not len(images):
        raise errors.UserError(
            "x must be images [n, H, W, C], or a tf.data.Dataset of batches; "
            f"got shape {images.shape}"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f":
        raise errors.UserError(
            f"x must be uint8, or floats in [0, 1]; got {images.dtype}"
        )
    low, high = float(images.min()), float(images.max())
    if not (low >= -entry.ROUNDING and high <= 1 + entry.ROUNDING):
        raise errors.UserError(
            f"x must be in [0, 1] where it is float; got {low:.4g} to "
            f"{high:.4g}: divide by 255, or pass uint8"
        )
    return images.astype(np.float32)


def _checked_labels(labels, num_images):
    labels = np.asarray(labels)
    if labels.shape not in ((num_images,), (num_images, 1)):
        raise errors.UserError(
            f"y must have one label for each of {num_images} images; got "
            f"shape {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise errors.UserError(
            f"y must be integers, -1 for no label; got {labels.dtype}"
        )
    return labels.reshape(num_images).astype(np.int32)


def _with_rows(batch, size):
    """A batch whose number of rows is known to the graph."""
    batch = batch[0] if len(batch) == 1 else batch
    return tf.nest.map_structure(
        lambda part: tf.ensure_shape(part, [size, *part.shape[1:]]), batch
    )
