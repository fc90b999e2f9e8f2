"""TensorFlow Datasets by name: small sets as arrays, large ones streamed."""

import difflib
import functools
import os

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import multi_hot, order, sources, tfds_features

SHUFFLE_BUFFER_RECORDS = 8192
"""About 1 GB of ImageNet files."""
_OPEN_FILES, _BLOCK_RECORDS = 16, 16  # what TFDS reads by itself
_READ_BATCH = 1024
_LABELS_PER_FILE = 256
"""Records of a streamed file that are read to see if it has any label."""
_MIB = 2**20
# Any constant but 0: tf.data mixes the seed of the graph into its own, and
# the order must not depend on tf.random.set_seed.
_GRAPH_SEED = 1


def open_tfds(
    dataset,
    split,
    *,
    data_dir,
    download,
    memory_limit_mb,
    multi_label=False,
):
    """Opens one split of a TFDS image set.

    Args:
        dataset: name, with optional config and version.
        split: in the syntax of TFDS.
        data_dir: None for the default of TFDS.
        download: prepare the set if it is absent.
        memory_limit_mb: most MiB of decoded images to hold in memory.
        multi_label: take the classes of all objects in an image as labels,
            see `multi_hot`.

    Returns:
        `ArraySource` if all images have one size and fit, else
        `StreamSource`. Splits whose labels are absent, not classes, or all
        negative (kept secret) are unlabelled. Some may be negative: those
        images have no label.

    Raises:
        errors.UserError: if data set or split is unknown, absent or
            unsuitable.
    """
    builder = _prepared_builder(dataset, data_dir, download)
    part = _split_info(builder, dataset, split)
    features = tfds_features.image_features(builder, dataset, multi_label)
    if part.num_examples < 1:
        raise errors.UserError(
            f"split must hold at least one example; got {split!r}"
        )
    files = _FileParts(part.file_instructions)
    height, width, _ = features["image"].shape
    # Unknown sides count as infinite.
    side_px = (height or np.inf) * (width or np.inf)
    is_large = part.num_examples * side_px * 3 > memory_limit_mb * _MIB
    features = _without_hidden_labels(features, files, is_large=is_large)
    label = tfds_features.label_feature(features)
    source = {
        "name": dataset,
        "split": split,
        "num_examples": part.num_examples,
        "num_classes": label.num_classes if label else None,
        "class_names": tuple(label.names) if label else None,
        "is_multi_label": multi_label,
        "read_names": _name_reader(builder, files),
        "notes": _notes(builder, features),
    }
    if is_large:
        return sources.StreamSource(
            **source,
            stream=functools.partial(_stream, files, _parser(features)),
            ordered=functools.partial(_ordered, files, _parser(features)),
        )
    return sources.ArraySource(
        **source,
        **_read_arrays(files, features, part.num_examples),
    )


def split_names(dataset, data_dir, download):
    """Names of the splits of a TFDS set; see `open_tfds` for the arguments.

    Raises:
        errors.UserError: if it is unknown or cannot be prepared.
    """
    return tuple(_prepared_builder(dataset, data_dir, download).info.splits)


class _FileParts:
    """Which records of which TFRecord files make up a split."""

    def __init__(self, instructions):
        # Tensors are made where they are used: in that dataset's graph.
        self.names = [str(part.filename) for part in instructions]
        self.skips = np.array([part.skip for part in instructions], np.int64)
        self.takes = np.array([part.take for part in instructions], np.int64)

    def dataset(self, indices=None):
        """The file parts, in the order of `indices`."""
        columns = (tf.constant(self.names), self.skips, self.takes)
        if indices is not None:
            columns = tuple(tf.gather(column, indices) for column in columns)
        return tf.data.Dataset.from_tensor_slices(columns)


def _prepared_builder(dataset, data_dir, download):
    # Slow to import, and needed for these sets alone.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        raise errors.UserError(_unknown(dataset, tfds)) from error
    except (ValueError, AssertionError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise errors.UserError(
            f"dataset must be 'digits', 'folder:PATH' or a TFDS name; "
            f"{dataset!r} gave: {reason}"
        ) from error
    if not builder.is_prepared():
        _prepare(builder, dataset, download)
    if builder.info.file_format != tfds.core.FileFormat.TFRECORD:
        raise errors.UserError(
            f"dataset must be stored as TFRecord; {dataset!r} is "
            f"{builder.info.file_format.value}"
        )
    return builder


def _unknown(dataset, tfds):
    known = tfds.list_builders(with_community_datasets=False)
    name = dataset.split("/")[0].split(":")[0]
    near = difflib.get_close_matches(name, ["digits", *known], n=1)
    if os.path.isdir(os.path.expanduser(dataset)):
        near = [f"folder:{dataset}"]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"dataset must be 'digits', 'folder:PATH' or a TFDS name; got "
        f"{dataset!r}{hint}"
    )


def _prepare(builder, dataset, download):
    if not download:
        raise errors.UserError(
            f"dataset {dataset!r} must be prepared in data_dir when download "
            f"is off; there is nothing in {str(builder.data_path)!r}"
        )
    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever a data set's own code raises
        reason = " ".join(str(error).split())
        raise errors.UserError(
            f"dataset {dataset!r} could not be prepared: {reason}"
        ) from error


def _split_info(builder, dataset, split):
    try:
        return builder.info.splits[split]
    except (KeyError, ValueError) as error:
        names = ", ".join(builder.info.splits)
        reason = " ".join(str(error).split())
        raise errors.UserError(
            f"split must be one of {names} for {dataset!r}, or a slice; got "
            f"{split!r}: {reason}"
        ) from error


def _notes(builder, features):
    """Why there are no labels, where there are none."""
    if tfds_features.label_feature(features) is not None:
        return ()
    why = tfds_features.why_unlabelled(builder)
    return (why or "every label is -1, which stands for one kept secret",)


def _without_hidden_labels(features, files, *, is_large):
    """The features without labels if all are -1: "not published".

    Of a large set the first labels of every file are looked at: a split such
    as STL-10's "unlabelled+train" begins with files that have none.
    """
    import tensorflow_datasets as tfds

    if "label" not in features:
        return features
    limit = _LABELS_PER_FILE if is_large else -1
    looked_at = files.dataset().flat_map(
        lambda *part: _records(*part).take(limit)
    )
    for record in looked_at.map(_parser(features)):
        if record["label"] >= 0:
            return features
    return tfds.features.FeaturesDict({"image": features["image"]})


def _name_reader(builder, files):
    """What reads all file names in stored order; None if there are none."""
    features = tfds_features.name_feature(builder)
    if features is None:
        return None

    def read_names():
        records = _ordered(files, features.deserialize_example)
        names = records.map(lambda example: example[next(iter(features))])
        return tuple(name.decode() for name in names.as_numpy_iterator())

    return read_names


def _parser(features, *, decode=False):
    """A function from a serialized record to a dict of tensors."""
    import tensorflow_datasets as tfds

    keep = None if decode else {"image": tfds.decode.SkipDecoding()}
    label = tfds_features.label_feature(features)
    num_classes = label.num_classes if label else None

    def parse(record):
        example = features.deserialize_example(record, decoders=keep)
        if "objects" in example:
            example["label"] = multi_hot.encode(
                example.pop("objects"), num_classes=num_classes
            )
        if "label" in example:
            example["label"] = tf.cast(example["label"], tf.int32)
        return example

    return parse


def _records(name, skip, take):
    return tf.data.TFRecordDataset(name).skip(skip).take(take)


def _ordered(files, parse):
    records = files.dataset().flat_map(_records)
    return records.map(
        parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _stream(files, parse, seed, epoch, skip):
    def one_epoch(epoch):
        tf.random.set_seed(_GRAPH_SEED)  # of this function's graph alone
        num_files = len(files.names)
        places = epoch * num_files + tf.range(num_files, dtype=tf.int64)
        shuffled = order.shuffled_indices(
            places, num_examples=num_files, seed=seed
        )
        word = order.epoch_words(seed, epoch[tf.newaxis])[0, 0]
        records = files.dataset(shuffled).interleave(
            _records,
            cycle_length=_OPEN_FILES,
            block_length=_BLOCK_RECORDS,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        return records.shuffle(
            SHUFFLE_BUFFER_RECORDS,
            seed=tf.cast(word, tf.int64),
            reshuffle_each_iteration=False,
        )

    epochs = tf.data.Dataset.from_tensors(tf.cast(epoch, tf.int64))
    records = epochs.flat_map(one_epoch).skip(skip)
    return records.map(
        parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _read_arrays(files, features, num_examples):
    """Decodes a whole split: dict of images and labels (or None)."""
    height, width, _ = features["image"].shape
    images = np.empty([num_examples, height, width, 3], np.uint8)
    labels = []
    examples = _ordered(files, _parser(features, decode=True))
    start = 0
    for batch in examples.batch(_READ_BATCH):
        stop = start + len(batch["image"])
        # One channel fills all three; a fourth, alpha, is dropped.
        images[start:stop] = batch["image"].numpy()[..., :3]
        if "label" in batch:
            labels.append(batch["label"].numpy())
        start = stop
    if start != num_examples:
        raise errors.UserError(
            f"dataset must be complete; read {start} of {num_examples} examples"
        )
    return {
        "images": images,
        "labels": np.concatenate(labels) if labels else None,
    }
