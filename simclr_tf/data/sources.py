"""Where images come from: three kinds of source behind one description.

Legend: `n` examples, `H W` image size.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """One split of a data set.

    Attributes:
        name: of the data set, as the user wrote it.
        split: as the user wrote it.
        num_examples: n >= 1.
        num_classes: None when unlabelled.
        class_names: tuple of str, or None.
        labels: int32 [n], or None: unlabelled, or only known when read.
    """

    name: str
    split: str
    num_examples: int
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    labels: np.ndarray | None = dataclasses.field(default=None, repr=False)

    def encoded(self):
        """All images as a `Dataset` of file bytes; None if decoded."""
        return None

    def example_name(self, index):
        """What to call an example in an error message."""
        return f"example {index} of {self.name} {self.split}"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ArraySource(Source):
    """Images of one size, held in memory.

    Attributes:
        images: uint8 [n, H, W, 3].
    """

    images: np.ndarray = dataclasses.field(repr=False)

    @functools.cached_property
    def images_tensor(self):
        """`images` on the host, made once for all datasets."""
        # Outside any graph under construction, which would embed a copy.
        with tf.init_scope(), tf.device("/cpu:0"):
            return tf.constant(self.images)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class PathSource(Source):
    """Image files, read one by one in any order.

    Attributes:
        paths: tuple of n str.
    """

    paths: tuple[str, ...] = dataclasses.field(repr=False)

    def encoded(self):
        """All files in order, as a `Dataset` of their bytes."""
        paths = tf.data.Dataset.from_tensor_slices(list(self.paths))
        return paths.map(tf.io.read_file, num_parallel_calls=tf.data.AUTOTUNE)

    def example_name(self, index):
        """The path of a file."""
        return self.paths[index]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class BytesSource(Source):
    """Encoded images held in memory, in any order.

    Attributes:
        contents: tuple of n bytes.
    """

    contents: tuple[bytes, ...] = dataclasses.field(repr=False)

    def encoded(self):
        """All images in order, as a `Dataset` of their bytes."""
        return tf.data.Dataset.from_tensor_slices(list(self.contents))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class StreamSource(Source):
    """Encoded records that can only be read in sequence.

    Both datasets have elements {"image": string [], "label": int32 []}, the
    label only if there are classes.

    Attributes:
        stream: (seed, epoch, skip) -> `Dataset` of one epoch, in an order
            fixed by seed and epoch, without its first `skip` records, which
            are not decoded. Epoch and skip may be int64 tensors.
        ordered: () -> `Dataset` of all records in stored order.
    """

    stream: Callable
    ordered: Callable

    def encoded(self):
        """All records in order, as a `Dataset` of image bytes."""
        return self.ordered().map(lambda record: record["image"])


def cached(source):
    """The same split with its encoded images read into memory once.

    Args:
        source: any `Source`; arrays are in memory already.

    Returns:
        An `ArraySource` or a `BytesSource`.

    Source: official tf2/run.py, `--cache_dataset`.
    """
    if isinstance(source, ArraySource | BytesSource):
        return source
    labels = source.labels
    if isinstance(source, StreamSource) and source.num_classes is not None:
        records = source.ordered().as_numpy_iterator()
        contents, labels = zip(
            *((record["image"], record["label"]) for record in records),
            strict=True,
        )
        labels = np.array(labels, np.int32)
    else:
        contents = source.encoded().as_numpy_iterator()
    return BytesSource(
        name=source.name,
        split=source.split,
        num_examples=source.num_examples,
        num_classes=source.num_classes,
        class_names=source.class_names,
        labels=labels,
        contents=tuple(contents),
    )


def sample(source, num_examples, *, seed):
    """A random part of a split, in stored order.

    Args:
        source: any `Source`. Of a stream, stored in an order of no meaning,
            the beginning is taken.
        num_examples: how many; the whole split where it has fewer.
        seed: Python int.

    Returns:
        A `Source` of the same kind.
    """
    if num_examples >= source.num_examples:
        return source
    kept = np.random.default_rng(seed).permutation(source.num_examples)
    kept = np.sort(kept[:num_examples])
    changes = {"num_examples": num_examples}
    if source.labels is not None:
        changes["labels"] = source.labels[kept]
    if isinstance(source, ArraySource):
        changes["images"] = source.images[kept]
    elif isinstance(source, PathSource):
        changes["paths"] = tuple(source.paths[i] for i in kept)
    elif isinstance(source, BytesSource):
        changes["contents"] = tuple(source.contents[i] for i in kept)
    else:
        ordered = source.ordered
        changes["ordered"] = lambda: ordered().take(num_examples)
    return dataclasses.replace(source, **changes)
