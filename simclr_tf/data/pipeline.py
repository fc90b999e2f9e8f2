"""The tf.data graph: from a source to batches for training or evaluation.

Legend: `n` examples of the source, `b` rows of a batch, `S` image side.
"""

import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.data import images as image_files
from simclr_tf.data import order, sources

_INDEX_BLOCK = 256  # positions shuffled in one call
_AUTOTUNE = tf.data.AUTOTUNE
_UNREAD = ("path", "encoded")  # columns that become crops


def train_dataset(
    source,
    *,
    batch_size,
    start_position,
    seed,
    make_crops=None,
    max_image_pixels=image_files.MAX_PIXELS,
):
    """Endless training batches, a function of seed and position alone.

    Epochs are permutations that follow each other without a gap, so a batch
    may hold the end of one and the start of the next. A dataset that starts
    at position p continues one that was stopped there.

    Args:
        source: any `Source`.
        batch_size: rows per element. With R replicas fed from one dataset, a
            replica's batch: every R elements then make up one step.
        start_position: of the first row; step * global batch when resuming.
        seed: Python int.
        make_crops: (uint8 [H, W, 3], position int64 []) -> float32
            [V, S, S, 3], the crops of one image. Needed for sources whose
            images differ in size; not used for arrays.
        max_image_pixels: images with more are refused.

    Returns:
        `Dataset` of dicts: "positions" int64 [b]; "labels" int32 [b] if
        labelled; "images" uint8 [b, H, W, 3] from arrays, else "crops"
        float32 [b, V, S, S, 3].

    Raises:
        ValueError: if `make_crops` is needed and missing.
        tf.errors.InvalidArgumentError: while iterating, if an image is
            unreadable; see `images.naming_unreadable`.
    """
    if isinstance(source, sources.ArraySource):
        batches = _indices(source, start_position, seed, batch_size).map(
            lambda row: _gather_arrays(source, row),
            num_parallel_calls=_AUTOTUNE,
        )
        return _finish(batches)
    if make_crops is None:
        raise ValueError("make_crops is needed for images of many sizes")

    def crop(row):
        image = _decode(row, max_image_pixels)
        kept = {name: row[name] for name in row if name not in _UNREAD}
        return kept | {"crops": make_crops(image, row["positions"])}

    if isinstance(source, sources.StreamSource):
        examples = _shuffled_stream(source, start_position, seed)
    else:
        examples = _shuffled_cells(source, start_position, seed)
    examples = examples.map(crop, num_parallel_calls=_AUTOTUNE)
    return _finish(examples.batch(batch_size, drop_remainder=True))


def eval_dataset(
    source,
    *,
    batch_size,
    image_size,
    max_image_pixels=image_files.MAX_PIXELS,
):
    """Every example once, in order, in batches of one static shape.

    Args:
        source: any `Source`.
        batch_size: rows per batch; the last one is padded with zeros.
        image_size: side S, px, by the recipe of `views.eval_images`.
        max_image_pixels: images with more are refused.

    Returns:
        `Dataset` of dicts: "images" float32 [b, S, S, 3] in [0, 1], "labels"
        int32 [b] if labelled, "mask" float32 [b], 0 for padding rows.

    Raises:
        tf.errors.InvalidArgumentError: as `train_dataset`.
    """

    def prepare(row):
        image = _decode(row, max_image_pixels)[tf.newaxis]
        image = views.eval_images(image, image_size=image_size)[0]
        return _labelled(row, images=image)

    def prepare_batch(indices):
        row = _gather_arrays(source, {"indices": indices})
        batch = views.eval_images(row["images"], image_size=image_size)
        return _labelled(row, images=batch)

    if isinstance(source, sources.ArraySource):
        indices = tf.data.Dataset.range(source.num_examples).batch(batch_size)
        batches = indices.map(prepare_batch, num_parallel_calls=_AUTOTUNE)
    else:
        examples = _ordered_examples(source)
        examples = examples.map(prepare, num_parallel_calls=_AUTOTUNE)
        batches = examples.batch(batch_size)
    return _finish(batches.map(lambda batch: _pad(batch, batch_size)))


def _indices(source, start_position, seed, size):
    """Blocks of positions and the examples that stand there."""

    def block(start):
        positions = start + tf.range(size, dtype=tf.int64)
        indices = order.shuffled_indices(
            positions, num_examples=source.num_examples, seed=seed
        )
        return {"positions": positions, "indices": indices}

    starts = tf.data.Dataset.counter(start_position, size)
    return starts.map(block, num_parallel_calls=_AUTOTUNE)


def _gather_arrays(source, row):
    """Replaces "indices" by the images, and labels, found there."""
    row = dict(row)
    indices = row.pop("indices")
    row["images"] = tf.gather(source.images_tensor, indices)
    if source.labels is not None:
        row["labels"] = tf.gather(source.labels, indices)
    return row


def _cells(source):
    """What stands for each image: its path, or its bytes."""
    if isinstance(source, sources.PathSource):
        return "path", list(source.paths)
    return "encoded", list(source.contents)


def _shuffled_cells(source, start_position, seed):
    name, cells = _cells(source)
    cells = tf.constant(cells)

    def look_up(row):
        row = dict(row)
        indices = row.pop("indices")
        row[name] = tf.gather(cells, indices)
        if source.labels is not None:
            row["labels"] = tf.gather(source.labels, indices)
        return row

    blocks = _indices(source, start_position, seed, _INDEX_BLOCK)
    return blocks.map(look_up).unbatch()


def _shuffled_stream(source, start_position, seed):
    first_epoch, skip = divmod(start_position, source.num_examples)

    def one_epoch(epoch):
        done = tf.where(epoch == first_epoch, skip, 0)
        return source.stream(seed, epoch, tf.cast(done, tf.int64))

    records = tf.data.Dataset.counter(first_epoch).flat_map(one_epoch)
    positions = tf.data.Dataset.counter(start_position)
    return tf.data.Dataset.zip(positions, records).map(
        lambda position, record: _from_record(record, positions=position)
    )


def _ordered_examples(source):
    if isinstance(source, sources.StreamSource):
        return source.ordered().map(_from_record)
    columns = dict([_cells(source)])
    if source.labels is not None:
        columns["labels"] = source.labels
    return tf.data.Dataset.from_tensor_slices(columns)


def _from_record(record, **others):
    others["encoded"] = record["image"]
    if "label" in record:
        others["labels"] = record["label"]
    return others


def _decode(row, max_pixels):
    encoded = tf.io.read_file(row["path"]) if "path" in row else row["encoded"]
    return image_files.decode_image(encoded, max_pixels=max_pixels)


def _labelled(row, **outputs):
    if "labels" in row:
        outputs["labels"] = row["labels"]
    return outputs


def _pad(batch, size):
    """Fills up to `size` rows by zeros and marks the real ones."""
    rows = tf.shape(batch["images"])[0]
    batch = batch | {"mask": tf.ones([rows])}

    def fill(column):
        tail = [[0, size - rows]] + [[0, 0]] * (len(column.shape) - 1)
        return tf.ensure_shape(tf.pad(column, tail), [size, *column.shape[1:]])

    return {name: fill(column) for name, column in batch.items()}


def _finish(dataset):
    options = tf.data.Options()
    options.deterministic = True
    return dataset.with_options(options).prefetch(_AUTOTUNE)
