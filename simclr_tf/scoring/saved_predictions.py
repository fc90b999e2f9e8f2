"""Where the predictions of a run lie: `predictions_<step>.npz`."""

import os
import re
from typing import NamedTuple

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.evaluation import predictions

_FILE = re.compile(r"predictions_(\d+)\.npz")
_SEED = re.compile(r"seed_(\d+)")


class Saved(NamedTuple):
    """What one run, or one run with several seeds, said.

    Attributes:
        path: as the user gave it.
        files: tuple of the files read.
        seeds: tuple of int, one per file; None of a run that is not repeated.
        predictions: tuple of `predictions.Predictions`, one per file.
    """

    path: str
    files: tuple[str, ...]
    seeds: tuple[int, ...] | None
    predictions: tuple[predictions.Predictions, ...]


def path_of(directory, step):
    """The file of one checkpoint's predictions."""
    return os.path.join(directory, f"predictions_{step}.npz")


def read(path, field):
    """Reads the newest predictions of a run.

    Args:
        path: a file of predictions, a `model_dir`, or the `model_dir` of a
            run with several seeds, whose seeds are then read.
        field: name of the flag that says so.

    Returns:
        `Saved`.

    Raises:
        errors.UserError: if there are none, or a seed has none.
    """
    files, seeds = _files_of(path, field), None
    if files is None:
        found = _numbered(path, _SEED)
        seeds = tuple(sorted(found)) or None
        files = [_newest(found[seed], field) for seed in seeds or ()]
    if not files:
        raise _missing(path, field)
    read_files = tuple(predictions.load(file) for file in files)
    return Saved(path, tuple(files), seeds, read_files)


def _files_of(path, field):
    """The one file that a path stands for, in a list; None for none."""
    if path.endswith(".npz"):
        if not tf.io.gfile.exists(path):
            raise _missing(path, field)
        return [path]
    steps = _numbered(path, _FILE)
    return [steps[max(steps)]] if steps else None


def _newest(directory, field):
    steps = _numbered(directory, _FILE)
    if not steps:
        raise _missing(directory, field)
    return steps[max(steps)]


def _numbered(directory, pattern):
    """dict of number -> path, of the names that a pattern matches."""
    if not tf.io.gfile.isdir(directory):
        return {}
    found = {}
    for name in tf.io.gfile.listdir(directory):
        match = pattern.fullmatch(name.rstrip("/"))
        if match:
            found[int(match[1])] = os.path.join(directory, match[0])
    return found


def _missing(path, field):
    return errors.UserError(
        f"{field} must hold predictions (predictions_<step>.npz, written by "
        f"mode=eval); {path!r} holds none"
    )
