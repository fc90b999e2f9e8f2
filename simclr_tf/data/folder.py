"""Folders of image files, local or remote: `folder:PATH`.

PATH holds images, in sub-folders or not; or it holds such a folder per split
("train", "test", ...). First-level sub-folders are classes.
"""

import hashlib
import os

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import (
    folder_layout,
    folder_scan,
    images,
    sources,
    splits,
    unreadable,
)

PREFIX = "folder:"


def open_folder(
    dataset, split, *, max_image_pixels=images.MAX_PIXELS, check_images="auto"
):
    """Opens a folder of images.

    Images beside the class folders have no label; where they are most, or
    there is one class folder alone, the whole split has none. Classes are
    numbered by the sorted names of the training split's folders. What was
    left out and decided is in the source's `notes`.

    Args:
        dataset: "folder:PATH"; PATH may be remote, such as gs://.
        split: one of the folder's splits (see `folder_layout`); only "train"
            where it has none. May be sliced or joined.
        max_image_pixels: files with more are refused.
        check_images: which files are read now, see `unreadable.check`.

    Returns:
        `PathSource`, sorted by path.

    Raises:
        errors.UserError: if there is no folder, split or image, or an image
            is unreadable.
    """
    scan, found = _scan(dataset)
    paths, classes = _images_of(split, found, dataset)
    class_names, why_none = _class_names(found, classes)
    labels = _labels(classes, class_names)
    notes = (
        found.note,
        why_none or _unlabelled(paths, labels),
        folder_scan.describe(scan.left_out),
    )
    source = sources.PathSource(
        name=dataset,
        split=split,
        num_examples=len(paths),
        num_classes=len(class_names) or None,
        class_names=class_names or None,
        labels=labels,
        paths=tuple(paths),
        root=scan.root,
        notes=tuple(filter(None, notes)),
        file_list=_file_list(paths, scan.root),
    )
    unreadable.check(source, how=check_images, max_pixels=max_image_pixels)
    return source


def file_list_of(dataset, split):
    """The `file_list` of a split that is not opened.

    Args:
        dataset: "folder:PATH".
        split: see `open_folder`.

    Returns:
        str.

    Raises:
        errors.UserError: if there is no folder, split or image.
    """
    scan, found = _scan(dataset)
    paths, _ = _images_of(split, found, dataset)
    return _file_list(paths, scan.root)


def split_names(dataset):
    """Names of a folder's splits, sorted; () for one that does not exist.

    Args:
        dataset: "folder:PATH".
    """
    root = _root(dataset)
    return tuple(sorted(_walk(root)[1].files)) if root else ()


def _root(dataset):
    """The path of a folder that exists, or None."""
    root = os.path.expanduser(dataset.removeprefix(PREFIX))
    return root if tf.io.gfile.isdir(root) else None


def _walk(root):
    """A folder's `FolderScan`, and the `Layout` of the images it found."""
    scan = folder_scan.FolderScan(root)
    return scan, folder_layout.layout_of(root, list(scan.image_files(root)))


def _scan(dataset):
    """As `_walk`, of a folder in which there are images."""
    root = _root(dataset)
    if root is None:
        raise errors.UserError(
            f"dataset must be a folder that exists; got {dataset!r}"
        )
    scan, found = _walk(root)
    if not any(found.files.values()):
        raise errors.UserError(
            f"dataset must hold images ({', '.join(folder_scan.EXTENSIONS)}); "
            f"none in {dataset!r}"
        )
    return scan, found


def _file_list(paths, root):
    """SHA-256 of the files' names below the root, and of their sizes.

    Of remote files, whose sizes take a request each, the names alone.
    """
    has_sizes = "://" not in root
    digest = hashlib.sha256()
    for path in sorted(paths):
        size = _size(path) if has_sizes else ""
        digest.update(f"{path[len(root) :].lstrip('/')}\0{size}\n".encode())
    return digest.hexdigest()


def _size(path):
    """Bytes of a file, -1 if it cannot be asked for."""
    try:
        return os.path.getsize(path)
    except OSError:
        return -1


def _images_of(split, found, dataset):
    """Paths and classes (None for none) of what a split asks for."""
    paths, classes = [], []
    for part in splits.parse(split):
        meant = folder_layout.split_of(part.name)
        name = meant if meant in found.files else part.name
        if name not in found.files:
            there = ", ".join(sorted(found.files))
            reason = f" ({found.note})" if found.note else ""
            raise errors.UserError(
                f"split must be one of {there} for {dataset!r}{reason}; got "
                f"{part.name!r}"
            )
        files = found.files[name]
        kept = [files[index] for index in part.indices(len(files))]
        paths += kept
        classes += [
            folder_layout.first_folder(path, found.folders[name])
            for path in kept
        ]
    return paths, classes


def _class_names(found, classes):
    """Sorted names of all classes, and why there are none, or ""."""
    split = folder_layout.TRAIN
    if split not in found.files:  # the splits that there are
        split = sorted(found.files)[0]
    named = [
        folder_layout.first_folder(path, found.folders[split])
        for path in found.files[split]
    ]
    known = set(named) - {None}
    if len(known) == 1:
        return (), f"no labels, as there is one class folder, {known.pop()!r}"
    if named.count(None) > len(named) / 2:
        return (), "no labels, as most images lie in no class folder"
    unknown = sorted(set(classes) - known - {None})
    if unknown:
        raise errors.UserError(
            f"classes must be among those of {found.folders[split]!r}; got "
            f"{unknown[0]!r}"
        )
    return tuple(sorted(known)), ""


def _labels(classes, class_names):
    """int32 [n], -1 for an image in no class folder; None without classes."""
    if not class_names:
        return None
    numbers = {name: number for number, name in enumerate(class_names)}
    return np.array([numbers.get(name, -1) for name in classes], np.int32)


def _unlabelled(paths, labels):
    """Names the images beside the class folders, "" for none."""
    places = [] if labels is None else np.flatnonzero(labels < 0)
    if not len(places):
        return ""
    first = paths[places[0]]
    return f"images in no class folder, unlabelled: {len(places)}, {first!r}"
