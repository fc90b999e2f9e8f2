"""Where images come from: three kinds of source behind one description.

Legend: `n` examples, `H W` image size.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from simclr_tf.data import seeds


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
            -1 for a label that is not to be used. Of a multi-label set
            [n, K]: 1 for a class that is seen, 0 for one that is not, -1 for
            one that is hard to see and counts neither way.
        is_multi_label: whether an image may show several classes.
        read_names: () -> tuple of n file names in stored order, or None
            where the set keeps none.
        notes: what the user may want to know of how it was opened.
        file_list: stands for the names and sizes of the files of the split
            that it is, or was taken from; None where it has no files. Two
            splits with the same hold the same files.
    """

    name: str
    split: str
    num_examples: int
    num_classes: int | None = None
    class_names: tuple[str, ...] | None = None
    labels: np.ndarray | None = dataclasses.field(default=None, repr=False)
    is_multi_label: bool = False
    read_names: Callable | None = dataclasses.field(default=None, repr=False)
    notes: tuple[str, ...] = dataclasses.field(default=(), repr=False)
    file_list: str | None = dataclasses.field(default=None, repr=False)

    def example_names(self):
        """File names in stored order, a tuple; None where there are none."""
        return None if self.read_names is None else self.read_names()

    def encoded(self, start=0):
        """File bytes of the images from one on; None if they are decoded.

        Args:
            start: index of the first.

        Returns:
            A `Dataset` of string [], in stored order, or None.
        """
        del start
        return None

    def has_no_labels(self):
        """That there are none and what is known of why, for an error."""
        why = f": {'; '.join(self.notes)}" if self.notes else ""
        return f"{self.name!r} split {self.split!r} has none{why}"

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
        root: the folder they lie in, at any depth; "" for no one folder.
    """

    paths: tuple[str, ...] = dataclasses.field(repr=False)
    root: str = ""

    def example_names(self):
        """Paths from the root on."""
        return tuple(p.removeprefix(self.root).lstrip("/") for p in self.paths)

    def encoded(self, start=0):
        """As `Source.encoded`; files are read as they are asked for."""
        rest = tf.constant(self.paths[start:], tf.string)
        paths = tf.data.Dataset.from_tensor_slices(rest)
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

    def encoded(self, start=0):
        """As `Source.encoded`."""
        rest = tf.constant(self.contents[start:], tf.string)
        return tf.data.Dataset.from_tensor_slices(rest)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class StreamSource(Source):
    """Encoded records that can only be read in sequence.

    Both datasets have elements {"image": string [], "label": int32 []}, the
    label only if there are classes; of a multi-label set it is int32 [K].

    Attributes:
        stream: (seed, epoch, skip) -> `Dataset` of one epoch, in an order
            fixed by seed and epoch, without its first `skip` records, which
            are not decoded. Epoch and skip may be int64 tensors.
        ordered: () -> `Dataset` of all records in stored order.
    """

    stream: Callable
    ordered: Callable

    def encoded(self, start=0):
        """As `Source.encoded`; records before the first are read, too."""
        return self.ordered().skip(start).map(lambda record: record["image"])


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
    if isinstance(source, StreamSource):
        return take(source, np.arange(source.num_examples))
    return in_memory(
        source,
        contents=tuple(source.encoded().as_numpy_iterator()),
        read_names=source.example_names,
    )


def sample(source, num_examples, *, seed, domain):
    """A random part of a split, in stored order.

    Args:
        source: any `Source`. Of a stream, stored in an order of no meaning,
            the beginning is taken.
        num_examples: how many; the whole split where it has fewer.
        seed: int >= 0.
        domain: a `seeds.Domain`; samples of two domains are independent.

    Returns:
        A `Source` of the same kind.
    """
    if num_examples >= source.num_examples:
        return source
    if isinstance(source, StreamSource):
        ordered = source.ordered
        return dataclasses.replace(
            source,
            num_examples=num_examples,
            ordered=lambda: ordered().take(num_examples),
        )
    generator = seeds.generator(seed, domain)
    kept = generator.permutation(source.num_examples)
    return take(source, kept[:num_examples])


def take(source, indices):
    """The examples of a split that are asked for, in stored order.

    Args:
        source: any `Source`.
        indices: int [m] in [0, n), no two alike, in any order.

    Returns:
        A `Source` of m examples of the same kind; of a stream a `BytesSource`
        into which the records are read, once.

    Raises:
        ValueError: if there is no index, or one twice or out of range.
    """
    kept = np.unique(indices)
    if not len(kept) or len(kept) < len(indices):
        raise ValueError("indices must name one example or more, each once")
    if kept[0] < 0 or kept[-1] >= source.num_examples:
        raise ValueError(
            f"indices must lie in [0, {source.num_examples}); got {kept[0]} "
            f"to {kept[-1]}"
        )
    if isinstance(source, StreamSource):
        return _read_records(source, kept)
    changes = _changes(source, kept)
    if isinstance(source, ArraySource):
        changes["images"] = source.images[kept]
    elif isinstance(source, PathSource):
        changes["paths"] = tuple(source.paths[i] for i in kept)
    else:
        changes["contents"] = tuple(source.contents[i] for i in kept)
    return dataclasses.replace(source, **changes)


def read_labels(source):
    """The labels of a split in stored order, read where need be.

    Args:
        source: a labelled `Source`; a stream is read to its end.

    Returns:
        int32 [n], or [n, K] of a multi-label set.
    """
    if not isinstance(source, StreamSource):
        return source.labels
    labels = source.ordered().map(lambda record: record["label"])
    return np.array(list(labels.as_numpy_iterator()), np.int32)


def in_memory(source, *, contents, **changes):
    """A split like another, its images held as the bytes of files.

    Args:
        source: any `Source`, whose description is taken over.
        contents: tuple of bytes.
        **changes: what is different in the description.

    Returns:
        A `BytesSource`.
    """
    fields = dataclasses.fields(Source)
    known = {field.name: getattr(source, field.name) for field in fields}
    return BytesSource(**(known | changes), contents=contents)


def _changes(source, kept):
    """The fields that any part of a split has for itself."""
    changes = {"num_examples": len(kept)}
    if source.labels is not None:
        changes["labels"] = source.labels[kept]
    if source.read_names is not None:
        changes["read_names"] = functools.partial(_names, source, kept)
    return changes


def _names(source, kept):
    names = source.example_names()
    return tuple(names[i] for i in kept)


def _read_records(source, kept):
    is_kept = np.zeros([source.num_examples], bool)
    is_kept[kept] = True
    records = source.ordered().enumerate()
    records = records.filter(lambda place, _: tf.gather(is_kept, place))
    contents, labels = [], []
    for _, record in records.as_numpy_iterator():
        contents.append(record["image"])
        labels.append(record.get("label"))
    changes = _changes(source, kept)
    if source.num_classes is not None:
        changes["labels"] = np.array(labels, np.int32)
    return in_memory(source, contents=tuple(contents), **changes)
