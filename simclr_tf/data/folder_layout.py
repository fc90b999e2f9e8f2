"""What the sub-folders of a folder of images are: splits, or classes."""

import collections
import os
from typing import NamedTuple

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "unlabelled": "unlabelled",
    "unlabeled": "unlabelled",
}
"""The usual names of splits, in any case of letters, and which they mean."""
TRAIN = "train"
SCORED = frozenset((TRAIN, "test", "validation"))
"""Splits that a folder may be made of; one of images without labels is not."""


class Layout(NamedTuple):
    """Where the splits of a folder lie.

    Attributes:
        folders: dict of split -> its folder; only "train", the folder itself,
            where the sub-folders are classes.
        files: dict of split -> tuple of its images.
        note: what is worth knowing of the decision, or "".
    """

    folders: dict
    files: dict
    note: str


def layout_of(root, paths):
    """Decides by the sub-folders in which images lie.

    They are splits if all of them have usual names of splits, or two of them
    or more, "train" among these: no test image is to end up among the
    training images for a third folder's sake. Images beside splits are left
    out. Otherwise they are classes of one split, "train".

    Args:
        root: the folder.
        paths: of its images at any depth.

    Returns:
        A `Layout`.
    """
    by_folder = {}
    for path in paths:
        by_folder.setdefault(first_folder(path, root), []).append(path)
    loose = by_folder.pop(None, [])
    meanings = {name: split_of(name) for name in by_folder}
    if not _are_splits(meanings):
        return Layout({TRAIN: root}, {TRAIN: tuple(paths)}, _note(meanings))
    named = _named(meanings)
    return Layout(
        {split: os.path.join(root, name) for split, name in named.items()},
        {split: tuple(by_folder[name]) for split, name in named.items()},
        f"images beside the splits left out: {len(loose)}, {loose[0]!r}"
        if loose
        else "",
    )


def _are_splits(meanings):
    """Whether sub-folders, by what their names mean, are splits."""
    known = set(meanings.values()) - {None}
    if TRAIN in known and len(known) > 1:
        return True
    return None not in meanings.values() and bool(known & SCORED)


def _named(meanings):
    """Split -> sub-folder; by its own name where that means no one split."""
    counts = collections.Counter(meanings.values())
    return {
        split if split and counts[split] == 1 else name: name
        for name, split in meanings.items()
    }


def first_folder(path, folder):
    """The first-level sub-folder that a file lies in, or None."""
    first, *rest = path[len(folder) :].strip("/").split("/")
    return first if rest else None


def split_of(name):
    """The split that a name means, or None."""
    return SPLIT_NAMES.get(name.lower()) if name else None


def _note(meanings):
    """Says so where a name of a split is taken for a class."""
    like_splits = sorted(name for name, split in meanings.items() if split)
    others = sorted(name for name, split in meanings.items() if not split)
    if not (like_splits and others):
        return ""
    shown = ", ".join(map(repr, like_splits))
    return f"{shown} taken for classes, as {others[0]!r} is no split"
