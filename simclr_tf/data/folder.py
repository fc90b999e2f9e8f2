"""Folders of image files, local or remote: `folder:PATH`.

PATH holds images, in sub-folders or not; or it holds such a folder per split
("train", "test", ...). First-level sub-folders are classes.
"""

import os

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import images, sources, splits

PREFIX = "folder:"
EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
MAX_CHECKED_FILES = 2000
"""Up to this many files all are decoded at once when a folder is opened, a
few seconds; in larger ones a bad file is named when training meets it."""
_TRAIN = "train"


def open_folder(dataset, split, *, max_image_pixels=images.MAX_PIXELS):
    """Opens a folder of images.

    Hidden files and files of other types are ignored. Images that lie beside
    the sub-folders, or in no sub-folder, leave the whole split unlabelled.
    Classes are numbered by the sorted names of the training split's folders.

    Args:
        dataset: "folder:PATH"; PATH may be remote, such as gs://.
        split: PATH/<split> where that exists; else only "train", which is
            all there is. May be sliced or joined.
        max_image_pixels: files with more are refused.

    Returns:
        `PathSource`, sorted by path.

    Raises:
        errors.UserError: if there is no folder, split or image, or an image
            is unreadable.
    """
    root = os.path.expanduser(dataset.removeprefix(PREFIX))
    if not tf.io.gfile.isdir(root):
        raise errors.UserError(f"dataset must be a folder; got {dataset!r}")
    paths, classes, folders = [], [], []
    for part in splits.parse(split):
        folder = _split_folder(root, part.name)
        files = tuple(_image_files(folder))
        if not files:
            raise errors.UserError(
                f"dataset must hold images ({', '.join(EXTENSIONS)}); "
                f"none in {folder!r}"
            )
        kept = [files[index] for index in part.indices(len(files))]
        folders.append(folder)
        paths += kept
        classes += [_class_of(path, folder) for path in kept]
    class_names = _class_names(root, folders, classes)
    source = sources.PathSource(
        name=dataset,
        split=split,
        num_examples=len(paths),
        num_classes=len(class_names) or None,
        class_names=class_names or None,
        labels=_labels(classes, class_names),
        paths=tuple(paths),
        root=root,
    )
    if len(paths) <= MAX_CHECKED_FILES:
        images.check_readable(source, max_pixels=max_image_pixels)
    return source


def _labels(classes, class_names):
    if not class_names:
        return None
    numbers = {name: number for number, name in enumerate(class_names)}
    return np.array([numbers[name] for name in classes], np.int32)


def _split_folder(root, name):
    folder = os.path.join(root, name)
    if tf.io.gfile.isdir(folder):
        return folder
    if name == _TRAIN:
        return root
    has_splits = tf.io.gfile.isdir(os.path.join(root, _TRAIN))
    there = _subfolders(root) if has_splits else [_TRAIN]
    raise errors.UserError(
        f"split must be one of {', '.join(there)} for folder {root!r}; "
        f"got {name!r}"
    )


def _class_names(root, folders, classes):
    """Sorted names of all classes, () when unlabelled."""
    if None in classes:
        return ()
    training = os.path.join(root, _TRAIN)
    if tf.io.gfile.isdir(training):
        folders = [training]
    known = {
        name
        for folder in folders
        for name in _subfolders(folder)
        if _has_image(os.path.join(folder, name))
    }
    unknown = sorted(set(classes) - known)
    if unknown:
        raise errors.UserError(
            f"classes must be among those of {training!r}; got {unknown[0]!r}"
        )
    return tuple(sorted(known))


def _class_of(path, folder):
    """First-level sub-folder that a file lies in, or None."""
    first, *rest = path[len(folder) :].strip("/").split("/")
    return first if rest else None


def _has_image(folder):
    return next(_image_files(folder), None) is not None


def _image_files(folder):
    """Yields paths of images at any depth, sorted within each folder."""
    for name in _entries(folder):
        path = os.path.join(folder, name)
        if name.lower().endswith(EXTENSIONS):
            yield path
        elif tf.io.gfile.isdir(path):
            yield from _image_files(path)


def _subfolders(folder):
    return [
        name
        for name in _entries(folder)
        if tf.io.gfile.isdir(os.path.join(folder, name))
    ]


def _entries(folder):
    """Sorted names in a folder that are not hidden."""
    # Remote file systems mark folders by a trailing slash.
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(folder))
    return sorted(name for name in names if name and not name.startswith("."))
