"""What the sub-folders of a folder of images are: splits, or classes."""

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

    They are splits if all of them have usual names of splits, no two for the
    same, and images beside them are left out; otherwise they are classes of
    one split, "train".

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
    named = {name: split_of(name) for name in by_folder}
    splits = set(named.values())
    if named and None not in splits and len(splits) == len(named):
        return Layout(
            {named[name]: os.path.join(root, name) for name in named},
            {named[name]: tuple(found) for name, found in by_folder.items()},
            f"{len(loose)} beside the splits left out: {loose[0]!r}"
            if loose
            else "",
        )
    return Layout({TRAIN: root}, {TRAIN: tuple(paths)}, _note(named))


def first_folder(path, folder):
    """The first-level sub-folder that a file lies in, or None."""
    first, *rest = path[len(folder) :].strip("/").split("/")
    return first if rest else None


def split_of(name):
    """The split that a name means, or None."""
    return SPLIT_NAMES.get(name.lower()) if name else None


def _note(named):
    """Says so where a name of a split is taken for a class."""
    like_splits = sorted(name for name, split in named.items() if split)
    others = sorted(name for name, split in named.items() if not split)
    if not like_splits:
        return ""
    reason = f"{others[0]!r} is no split" if others else "two mean one split"
    return f"{', '.join(map(repr, like_splits))} taken for classes, as {reason}"
