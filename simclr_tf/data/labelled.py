"""Which images of a split have labels, and splits that mix both kinds.

A label is absent in one of three ways, and all are treated alike: the data
set stores -1, a list of labels leaves the image out, or the image is of a
second, unlabelled set. What needs labels uses the images that have one.

Legend: `n` examples, `K` classes.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import sources, subsets

HIDDEN = -1
"""Stands for a label that is not to be used."""


def choose(source, *, seed, label_fraction=None, labels_per_class=None):
    """Draws a class-balanced set of images to keep labelled.

    Args:
        source: a labelled `Source`. A stream is read once for its labels.
        seed: int; equal seeds draw equal sets.
        label_fraction: share of each class, in (0, 1].
        labels_per_class: number of each class; either this or the share.

    Returns:
        int64 indices in rising order, for `sources.take`.

    Raises:
        errors.UserError: if there are no labels, both or neither are given,
            or a class would not get its labels.
    """
    if (label_fraction is None) == (labels_per_class is None):
        raise errors.UserError(
            f"either label_fraction or labels_per_class must be given; got "
            f"{label_fraction} and {labels_per_class}"
        )
    is_share = label_fraction is not None
    name = "label_fraction" if is_share else "labels_per_class"
    check_classes(source, name)
    labels = sources.read_labels(source)
    places = indices(labels)
    given = {
        "labels": labels[places],
        "class_names": source.class_names or range(source.num_classes),
        "seed": seed,
    }
    if is_share:
        drawn = subsets.by_fraction(fraction=label_fraction, **given)
    else:
        drawn = subsets.by_class(count=labels_per_class, **given)
    return places[drawn]


def check_classes(source, name):
    """Raises `UserError` unless every image has one class.

    Args:
        source: any `Source`.
        name: of the argument that needs it.
    """
    if source.num_classes is None:
        raise errors.UserError(f"{name} needs labels; {source.has_no_labels()}")
    if source.is_multi_label:
        raise errors.UserError(
            f"{name} needs one class per image; those of {source.name!r} "
            f"have several"
        )


def indices(labels):
    """Where there is a label: rising int64 indices.

    Args:
        labels: int [n]. Of several classes per image, [n, K], every image
            counts, as each class has a label of its own.
    """
    labels = np.asarray(labels)
    if labels.ndim > 1:
        return np.arange(len(labels))
    return np.flatnonzero(labels >= 0)


def count(source):
    """Images that have a label, int; None where only reading would tell.

    Args:
        source: any `Source`.
    """
    if source.num_classes is None:
        return 0
    return None if source.labels is None else len(indices(source.labels))


def only(source):
    """The labelled images of a split.

    Args:
        source: a labelled `Source`.

    Returns:
        A `Source` of the same kind. A stream, whose labels are only known
        when read, is returned as it is: its batches may hold -1.
    """
    if count(source) in (None, source.num_examples):
        return source
    return sources.take(source, indices(source.labels))


def sample(source, num_examples, *, seed, domain):
    """As `sources.sample`, of the labelled images alone.

    Args:
        source: a labelled `Source`. A stream is read, but not decoded, as far
            as the last image that is taken.
        num_examples: how many; all that have a label where there are fewer.
        seed: int >= 0.
        domain: a `seeds.Domain`.

    Returns:
        A `Source` of the same kind.

    Raises:
        errors.UserError: if no image has a label.
    """
    if not isinstance(source, sources.StreamSource):
        return sources.sample(
            only(source), num_examples, seed=seed, domain=domain
        )
    whole = source.ordered

    def has_label(record):
        return source.is_multi_label or record["label"] >= 0

    def ordered():
        return whole().filter(has_label).take(num_examples)

    found = sum(1 for _ in ordered())
    if not found:
        raise errors.UserError(
            f"an image must have a label; of {source.name!r} split "
            f"{source.split!r} none has"
        )
    return dataclasses.replace(source, num_examples=found, ordered=ordered)


def hide_labels(source, kept):
    """The same images, of which but some have a label.

    Args:
        source: a labelled `Source`. A stream is read into memory: its order
            does not tell which example a record is.
        kept: int indices whose labels stay.

    Returns:
        A `Source`, its other labels being `HIDDEN`.
    """
    if isinstance(source, sources.StreamSource):
        source = sources.cached(source)
    labels = np.full_like(source.labels, HIDDEN)
    labels[kept] = source.labels[kept]
    return dataclasses.replace(source, labels=labels)


def without_labels(source):
    """The same images, as if no label was known."""
    return dataclasses.replace(
        source,
        num_classes=None,
        class_names=None,
        labels=None,
        is_multi_label=False,
    )


def join(labelled, unlabelled):
    """One split of the images of two, the second's labels not used.

    Both being arrays of one image size, or both being files, the result is
    of that kind. Otherwise both are held in memory as files, arrays as PNG,
    and streams are read.

    Args:
        labelled: a `Source`, labelled or not, whose examples come first.
        unlabelled: any `Source`; labels it has become `HIDDEN`.

    Returns:
        A `Source` with the classes of the first, if it has any.
    """
    kinds = {type(labelled), type(unlabelled)}
    pair = (labelled, unlabelled)
    if kinds == {sources.ArraySource} and _share_size(*pair):
        name, kind = "images", sources.ArraySource
        cells = np.concatenate([part.images for part in pair])
    elif kinds == {sources.PathSource}:
        name, kind = "paths", sources.PathSource
        cells = labelled.paths + unlabelled.paths
    else:
        name, kind = "contents", sources.BytesSource
        labelled, unlabelled = pair = [_encoded(part) for part in pair]
        cells = labelled.contents + unlabelled.contents
    return kind(
        name=" + ".join(part.name for part in pair),
        split=" + ".join(part.split for part in pair),
        num_examples=sum(part.num_examples for part in pair),
        num_classes=labelled.num_classes,
        class_names=labelled.class_names,
        is_multi_label=labelled.is_multi_label,
        labels=_joined_labels(labelled, unlabelled.num_examples),
        file_list=_joined_file_lists(pair),
        **{name: cells},
    )


def _joined_file_lists(pair):
    """Both, or None if one of the sources has no files."""
    lists = [part.file_list for part in pair]
    return None if None in lists else " + ".join(lists)


def _joined_labels(labelled, num_hidden):
    """The labels of one source and as many `HIDDEN` ones, or None."""
    if labelled.labels is None:
        return None
    shape = (num_hidden, *labelled.labels.shape[1:])
    hidden = np.full(shape, HIDDEN, np.int32)
    return np.concatenate([labelled.labels, hidden])


def _share_size(labelled, unlabelled):
    return labelled.images.shape[1:] == unlabelled.images.shape[1:]


def _encoded(source):
    """A `BytesSource` of the same images."""
    if not isinstance(source, sources.ArraySource):
        return sources.cached(source)
    return sources.in_memory(
        source,
        contents=tuple(
            tf.io.encode_png(image).numpy() for image in source.images
        ),
    )
