"""Paths as people give them."""

import os
import re

FOLDER_PREFIX = "folder:"
_BESIDE_CHECKPOINTS = re.compile(
    r"(\.index|\.meta|\.meta\.json|\.data-\d{5}-of-\d{5}|/saved_model\.pb)$"
)


def expand(path):
    """A local path with `~` and variables such as `$HOME` in place."""
    if "://" in path:
        return path
    return os.path.expanduser(os.path.expandvars(path))


def expand_dataset(name):
    """As `expand`, of the folder in "folder:PATH"; other names stay."""
    if not name.startswith(FOLDER_PREFIX):
        return name
    return FOLDER_PREFIX + expand(name.removeprefix(FOLDER_PREFIX))


def expand_checkpoint(path):
    """As `expand`, of any of the files that make a checkpoint.

    "run/ckpt-7.data-00000-of-00001", "run/ckpt-7.meta.json" and
    "run/ckpt-7.index" are "run/ckpt-7", "export/saved_model.pb" is "export".
    """
    path = expand(path)
    return path if os.path.isdir(path) else _BESIDE_CHECKPOINTS.sub("", path)
