"""The tf.data graph: from a source to batches for training or evaluation.

Legend: `n` examples of the source, `b` rows of a batch, `S` image side.
"""

import typing

import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.data import images as image_files
from simclr_tf.data import order, sources

_INDEX_BLOCK = 256  # positions shuffled in one call
_SAMPLE_BLOCK = 32  # images whose boxes are sampled in one call
_AUTOTUNE = tf.data.AUTOTUNE


class Crops(typing.NamedTuple):
    """How images of many sizes are cropped: first sampled, then applied.

    Sampling is hundreds of small operations, so it is done for many images at
    once: for one at a time it took as long as decoding.

    Attributes:
        sample: (positions int64 [n], sizes int32 [n, 2] of height and width)
            -> choices [n, ...], each a function of its own row alone.
        apply: (uint8 [H, W, 3], choices of one image) -> its crops
            [V, S, S, 3], uint8 or float32.
    """

    sample: typing.Callable
    apply: typing.Callable


def train_dataset(
    source,
    *,
    batch_size,
    start_position,
    seed,
    crops=None,
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
        crops: `Crops`. Needed for sources whose images differ in size; not
            used for arrays.
        max_image_pixels: images with more are refused.

    Returns:
        `Dataset` of dicts: "positions" int64 [b]; "labels" int32 [b] if
        labelled; "images" uint8 [b, H, W, 3] from arrays, else "crops"
        [b, V, S, S, 3].

    Raises:
        ValueError: if `crops` is needed and missing.
        tf.errors.InvalidArgumentError: while iterating, if an image is
            unreadable; see `unreadable.named`.
    """
    if isinstance(source, sources.ArraySource):
        batches = _indices(source, start_position, seed, batch_size).map(
            lambda row: _gather_arrays(source, row),
            num_parallel_calls=_AUTOTUNE,
        )
        return _finish(batches)
    if crops is None:
        raise ValueError("crops is needed for images of many sizes")
    if isinstance(source, sources.StreamSource):
        examples = _shuffled_stream(source, start_position, seed)
    else:
        examples = _shuffled_cells(source, start_position, seed)
    examples = _cropped(examples, crops, max_image_pixels)
    return _finish(examples.batch(batch_size, drop_remainder=True))


def eval_dataset(
    source,
    *,
    batch_size,
    image_size,
    max_image_pixels=image_files.MAX_PIXELS,
    **recipe,
):
    """Every example once, in order, in batches of one static shape.

    Args:
        source: any `Source`.
        batch_size: rows per batch; the last one is padded with zeros.
        image_size: side S, px, by the recipe of `views.eval_images`.
        max_image_pixels: images with more are refused.
        **recipe: further arguments of `views.eval_images`.

    Returns:
        `Dataset` of dicts: "images" float32 [b, S, S, 3] in [0, 1], "labels"
        int32 [b] if labelled, "mask" float32 [b], 0 for padding rows.

    Raises:
        tf.errors.InvalidArgumentError: as `train_dataset`.
    """

    def prepare(row):
        image = image_files.decode_image(
            _take_encoded(dict(row)), max_pixels=max_image_pixels
        )
        image = views.eval_image(image, image_size=image_size, **recipe)
        return _labelled(row, images=image)

    def prepare_batch(indices):
        row = _gather_arrays(source, {"indices": indices})
        batch = views.eval_images(
            row["images"], image_size=image_size, **recipe
        )
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

    starts = count(start_position, size)
    return starts.map(block, num_parallel_calls=_AUTOTUNE)


def count(start, step=1):
    """Endless int64 from `start` on; `Dataset.counter` leaves a graph behind.

    Args:
        start: the first, int or int64 [].
        step: between two of them.
    """
    return tf.data.Dataset.range(start, tf.int64.max, step)


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

    records = count(first_epoch).flat_map(one_epoch)
    positions = count(start_position)
    return tf.data.Dataset.zip(positions, records).map(
        lambda position, record: _from_record(record, positions=position)
    )


def _cropped(examples, crops, max_pixels):
    """Replaces the file of each example by its "crops"."""

    def read(row):
        row = dict(row)
        row["encoded"] = encoded = _take_encoded(row)
        size = image_files.decoded_size(encoded, max_pixels=max_pixels)
        return row | {"size": size}

    def sample(rows):
        rows = dict(rows)
        sizes = rows.pop("size")
        return rows | {"choices": crops.sample(rows["positions"], sizes)}

    def crop(row):
        row = dict(row)
        image = image_files.decode_checked(row.pop("encoded"))
        return row | {"crops": crops.apply(image, row.pop("choices"))}

    examples = examples.map(read, num_parallel_calls=_AUTOTUNE)
    blocks = examples.batch(_SAMPLE_BLOCK).map(sample)
    return blocks.unbatch().map(crop, num_parallel_calls=_AUTOTUNE)


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


def _take_encoded(row):
    """The bytes of the file that a row stands for; takes them out."""
    if "path" in row:
        return tf.io.read_file(row.pop("path"))
    return row.pop("encoded")


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
