"""Which files below a folder are images, and what is left out."""

import collections
import os

import tensorflow as tf

from simclr_tf import errors

EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
SYSTEM_FOLDERS = frozenset(("@eadir", "__macosx", "$recycle.bin"))
"""Made by systems beside people's folders; they hold thumbnails and copies."""
_RUN_FILES = frozenset(("config.json", "metrics.jsonl"))
"""What together marks a `model_dir` of this program."""
_FOLDER, _IMAGE = "folder", "image"
_HIDDEN, _SYSTEM = "hidden", "system folder"


class FolderScan:
    """A walk through a folder that takes every real directory once.

    Links are followed, but not to a folder that holds the link, so that loops
    end, and below each first-level folder a directory is taken once, so that
    no image counts twice in a class or split. Only regular files are images.

    Attributes:
        root: where the walk starts.
        left_out: `collections.Counter` of what was left out, by kind.
    """

    def __init__(self, root):
        """`root` is where the walk starts."""
        self.root = root
        self.left_out = collections.Counter()
        self._root = root.rstrip("/")
        self._taken = set()
        is_remote = "://" in root
        self._kinds = self._remote_kinds if is_remote else self._local_kinds

    def image_files(self, folder):
        """Yields paths of images at any depth, sorted within each folder."""
        is_root = folder.rstrip("/") == self._root
        for name, kind in sorted(self._kinds(folder)):
            path = os.path.join(folder, name)
            if kind == _FOLDER:
                if is_root:
                    self._taken.clear()
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
        except OSError as error:
            is_inside = folder.rstrip("/") != self._root
            if is_inside and isinstance(error, PermissionError):
                self.left_out[f"unreadable folder {folder!r}"] += 1
                return []
            raise errors.UserError(
                f"dataset must be a folder that can be read; {error}"
            ) from error
        real = os.path.realpath(folder)
        if real in self._taken:
            self.left_out["link to a folder that is taken already"] += 1
            return []
        if self._is_run(folder, {entry.name for entry in entries}):
            return []
        self._taken.add(real)
        return [(entry.name, self._kind(entry, real)) for entry in entries]

    def _is_run(self, folder, names):
        """Whether a sub-folder is a `model_dir`, which is then counted."""
        is_run = names >= _RUN_FILES and folder.rstrip("/") != self._root
        if is_run:
            self.left_out["run of this program"] += 1
        return is_run

    def _kind(self, entry, folder):
        """What an entry of a local folder is, or why it is left out."""
        by_name = _kind_by_name(entry.name)
        if by_name:
            return by_name
        try:
            if entry.is_dir():
                is_loop = entry.is_symlink() and _lies_in(
                    folder, os.path.realpath(entry.path)
                )
                return "link to a folder above it" if is_loop else _FOLDER
            if entry.is_file():
                return _kind_of_file(entry.name)
        except OSError:
            return "unreadable link"
        return "broken link" if entry.is_symlink() else "pipe or device"

    def _remote_kinds(self, folder):
        """As `_local_kinds`, of a file system that TensorFlow reads."""
        # These mark folders by a trailing slash, if at all.
        names = [name.rstrip("/") for name in tf.io.gfile.listdir(folder)]
        if self._is_run(folder, set(names)):
            return []
        return [
            (name, _remote_kind(os.path.join(folder, name)))
            for name in filter(None, names)
        ]


def describe(left_out):
    """What a scan left out in words, "" for nothing."""
    kinds = sorted((kind, count) for kind, count in left_out.items() if count)
    parts = [f"{count} {kind}" for kind, count in kinds]
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
