"""Save, verify, resume.

`ckpt-N.meta.json`, renamed into place last, says that step N is whole.
"""

import os
import re

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf import cpu, errors, files
from simclr_tf.checkpoints import weights

META_PATTERN = re.compile(r"ckpt-(\d+)\.meta\.json$")
FILE_PATTERN = re.compile(r"ckpt-(\d+)(?:\.index|\.data-.*|_temp/?)$")


class Checkpoints:
    """The checkpoints of one `model_dir`."""

    def __init__(self, directory, state, *, keep=5):
        """Prepares to save and restore `state`.

        Args:
            directory: the run's `model_dir`.
            state: a `TrainState`.
            keep: how many of the newest to keep; 0 keeps all.
        """
        self._directory = directory
        self._state = state
        self._table = weights.variable_table(state)
        self._root = weights.nest(self._table)
        self._keep = keep

    def save(self, step=None):
        """Writes a checkpoint and commits it.

        Args:
            step: that it stands for; default the state's.

        Returns:
            Its path prefix.

        Raises:
            errors.UserError: if a variable of the model is not finite;
                nothing is written then.
        """
        step = self._state.step if step is None else step
        check_finite(self._state.model, step)
        prefix = os.path.join(self._directory, f"ckpt-{step}")
        self._root.write(prefix)
        written = files_of(self._directory, step)
        for name in written:
            files.to_disk(name)
        meta = {
            "step": step,
            "sizes": {
                os.path.basename(name): tf.io.gfile.stat(name).length
                for name in written
            },
            "machine": cpu.record(),
        }
        files.write_json(meta_path(prefix), meta)
        self._sweep()
        return prefix

    def restore_latest(self):
        """Restores the newest checkpoint that is whole.

        Returns:
            Its `Match`, or None where there is no checkpoint at all.

        Raises:
            errors.UserError: if there are checkpoints and none can be used;
                training never falls back to step 0 in silence.
        """
        steps = committed_steps(self._directory)
        if not steps:
            check_none_lost(self._directory)
        reasons = []
        for step in reversed(steps):
            prefix = os.path.join(self._directory, f"ckpt-{step}")
            try:
                return self._restore(prefix)
            except weights.DAMAGE as error:
                reasons.append(f"ckpt-{step}: {weights.first_line(error)}")
                logging.warning("skipping %s", reasons[-1])
        if reasons:
            raise errors.UserError(
                f"model_dir must hold a usable checkpoint; "
                f"{self._directory!r}: {'; '.join(reasons)}"
            )
        return None

    def _restore(self, prefix):
        check_sizes(prefix)
        found = weights.match(self._table, weights.read_shapes(prefix))
        if not found.is_exact:
            raise ValueError(str(found))
        self._root.read(prefix).assert_consumed()
        return found

    def _sweep(self):
        """Removes old checkpoints, and older ones that were never committed."""
        steps = committed_steps(self._directory)
        old = set(steps[: -self._keep] if self._keep else [])
        left = written_steps(self._directory) - set(steps)
        old |= {step for step in left if step < steps[-1]}
        for step in old:
            prefix = os.path.join(self._directory, f"ckpt-{step}")
            # The meta file first: what is left of a kill is not committed.
            if tf.io.gfile.exists(meta_path(prefix)):
                tf.io.gfile.remove(meta_path(prefix))
            for name in files_of(self._directory, step):
                tf.io.gfile.remove(name)
            if tf.io.gfile.isdir(f"{prefix}_temp"):  # TensorFlow's, of a kill
                tf.io.gfile.rmtree(f"{prefix}_temp")


def check_finite(model, step):
    """Raises `DivergenceError` naming a variable that is not finite."""
    for variable in model.variables:
        if not np.all(np.isfinite(variable.numpy())):
            raise errors.DivergenceError(
                f"weights must stay finite to be saved; {variable.path} "
                f"is not at step {step}"
            )


def committed_steps(directory):
    """Steps whose checkpoint was completed, in rising order."""
    if not tf.io.gfile.isdir(directory):
        return []
    names = tf.io.gfile.listdir(directory)
    found = [META_PATTERN.match(name) for name in names]
    return sorted(int(hit.group(1)) for hit in found if hit)


def files_of(directory, step):
    """Paths of the index and the data of a checkpoint, committed or not.

    By name: a path may hold what is a pattern for `glob`.
    """
    starts = (f"ckpt-{step}.index", f"ckpt-{step}.data-")
    return [
        os.path.join(directory, name)
        for name in sorted(tf.io.gfile.listdir(directory))
        if name.startswith(starts)
    ]


def written_steps(directory):
    """Steps of which there are files of a checkpoint, committed or not."""
    if not tf.io.gfile.isdir(directory):
        return set()
    found = map(FILE_PATTERN.match, tf.io.gfile.listdir(directory))
    return {int(hit.group(1)) for hit in found if hit}


def check_none_lost(directory):
    """Refuses a directory whose checkpoints have lost what commits them.

    A kill while the first one is written leaves one such checkpoint, and the
    run starts again; there are no two.

    Args:
        directory: a `model_dir` without a committed checkpoint.

    Raises:
        errors.UserError: if there are several checkpoints.
    """
    steps = sorted(
        step
        for step in written_steps(directory)
        if len(files_of(directory, step)) > 1  # what a kill left has fewer
    )
    if len(steps) > 1:
        raise errors.UserError(
            f"model_dir must hold the file ckpt-N.meta.json of a checkpoint; "
            f"{directory!r} has those of none, and data of steps "
            f"{', '.join(map(str, steps))}: put the files back, or remove the "
            "data to start at step 0"
        )
    for step in steps:
        logging.warning(
            "ckpt-%d was not written to its end: starting at step 0", step
        )


def machine_of(directory, step):
    """What a checkpoint was computed on, a `cpu.record`; None if not told."""
    prefix = os.path.join(directory, f"ckpt-{step}")
    return read_meta(prefix).get("machine")


def meta_path(prefix):
    """The file that says that a checkpoint is whole."""
    return f"{prefix}.meta.json"


def read_meta(prefix):
    """What was written when a checkpoint was committed, a dict.

    Raises:
        ValueError: if the file does not hold it.
    """
    meta = files.read_json(meta_path(prefix))
    sizes = meta.get("sizes") if isinstance(meta, dict) else None
    is_whole = isinstance(sizes, dict) and all(
        isinstance(size, int) for size in sizes.values()
    )
    if not is_whole:
        raise ValueError("its meta.json tells no sizes of files")
    return meta


def newest_whole(directory):
    """The newest committed step whose files are as long as they were, or None.

    Args:
        directory: a `model_dir`.
    """
    for step in reversed(committed_steps(directory)):
        try:
            check_sizes(os.path.join(directory, f"ckpt-{step}"))
            return step
        except weights.DAMAGE as error:
            reason = weights.first_line(error)
            logging.log_first_n(
                logging.WARNING, "skipping ckpt-%d: %s", 1, step, reason
            )
    return None


def check_sizes(prefix):
    """Raises ValueError if a file is not as long as when it was committed."""
    sizes = read_meta(prefix)["sizes"]
    if not tf.io.gfile.exists(f"{prefix}.index"):
        raise ValueError("its index is gone")
    for name, size in sizes.items():
        path = os.path.join(os.path.dirname(prefix), name)
        length = tf.io.gfile.stat(path).length
        if length != size:
            raise ValueError(f"{name} has {length} bytes, not {size}")
