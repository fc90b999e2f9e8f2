"""Which files below a folder are images, and what is left out."""

import collections
import os

import tensorflow as tf

EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
SYSTEM_FOLDERS = frozenset(("@eadir", "__macosx", "$recycle.bin"))
"""Made by systems beside people's folders; they hold thumbnails and copies."""
_RUN_FILES = frozenset(("config.json", "metrics.jsonl"))
"""What together marks a `model_dir` of this program."""
_FOLDER, _IMAGE = "folder", "image"
_HIDDEN, _SYSTEM = "hidden", "system folder"


class FolderScan:
    """A walk through a folder that takes every real directory once.

    Links are followed, but not to folders that the walk reaches without
    them, nor out to a folder that holds it, so that loops end and no image
    counts twice. Only regular files are images.

    Attributes:
        left_out: `collections.Counter` of what was left out, by kind.
    """

    def __init__(self, root):
        """`root` is where the walk starts."""
        self.left_out = collections.Counter()
        self._root = os.path.realpath(root)
        self._linked = set()
        is_remote = "://" in root
        self._kinds = self._remote_kinds if is_remote else self._local_kinds

    def image_files(self, folder):
        """Yields paths of images at any depth, sorted within each folder."""
        for name, kind in sorted(self._kinds(folder)):
            path = os.path.join(folder, name)
            if kind == _FOLDER:
                yield from self.image_files(path)
            elif kind == _IMAGE:
                yield path
            else:
                self.left_out[kind] += 1

    def _local_kinds(self, folder):
        """(name, kind) of what lies directly in a local folder."""
        try:
            with os.scandir(folder) as scanned:
                entries = list(scanned)
        except OSError:
            self.left_out["unreadable folder"] += 1
            return []
        if {entry.name for entry in entries} >= _RUN_FILES:
            self.left_out["run of this program"] += 1
            return []
        return [(entry.name, self._kind(entry)) for entry in entries]

    def _kind(self, entry):
        """What a local entry is, or why it is left out."""
        by_name = _kind_by_name(entry.name)
        if by_name:
            return by_name
        try:
            if entry.is_dir():
                return self._kind_of_folder(entry)
            if entry.is_file():
                return _kind_of_file(entry.name)
        except OSError:
            return "unreadable link"
        return "broken link" if entry.is_symlink() else "pipe or device"

    def _kind_of_folder(self, entry):
        if not entry.is_symlink():
            return _FOLDER
        real = os.path.realpath(entry.path)
        leads_back = _lies_in(real, self._root) or _lies_in(self._root, real)
        if leads_back or real in self._linked:
            return "link to a folder that is taken already"
        self._linked.add(real)
        return _FOLDER

    def _remote_kinds(self, folder):
        """As `_local_kinds`, of a file system that TensorFlow reads."""
        # These mark folders by a trailing slash, if at all.
        names = [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
        if set(names) >= _RUN_FILES:
            self.left_out["run of this program"] += 1
            return []
        return [
            (name, _remote_kind(os.path.join(folder, name)))
            for name in filter(None, names)
        ]


def describe(left_out):
    """What a scan left out in words, "" for nothing."""
    parts = [f"{count} {kind}" for kind, count in sorted(left_out.items())]
    return f"left out: {', '.join(parts)}" if parts else ""


def _remote_kind(path):
    name = os.path.basename(path)
    kind = _kind_by_name(name) or _kind_of_file(name)
    # Asking takes time, and is not needed for what is an image by its name.
    is_known = kind in (_IMAGE, _HIDDEN, _SYSTEM)
    return kind if is_known or not tf.io.gfile.isdir(path) else _FOLDER


def _kind_by_name(name):
    """Why an entry is left out by its name alone, or None."""
    if name.startswith("."):
        return _HIDDEN
    if name.lower() in SYSTEM_FOLDERS:
        return _SYSTEM
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "name that is not UTF-8"
    return None


def _kind_of_file(name):
    extension = os.path.splitext(name)[1].lower()
    return _IMAGE if extension in EXTENSIONS else extension or "bare name"


def _lies_in(path, folder):
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
