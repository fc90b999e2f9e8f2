"""Save, verify, resume.

`ckpt-N.meta.json`, renamed into place last, says that step N is whole.
"""

import os
import re

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf import cpu, errors
from simclr_tf.training import weights, whole_file

META_PATTERN = re.compile(r"ckpt-(\d+)\.meta\.json$")


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
        files = tf.io.gfile.glob(f"{prefix}.index")
        files += tf.io.gfile.glob(f"{prefix}.data-*")
        meta = {
            "step": step,
            "sizes": {
                os.path.basename(name): tf.io.gfile.stat(name).length
                for name in files
            },
            "machine": cpu.record(),
        }
        whole_file.write_json(meta_path(prefix), meta)
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
        steps = committed_steps(self._directory)
        for step in steps[: -self._keep] if self._keep else []:
            prefix = os.path.join(self._directory, f"ckpt-{step}")
            for suffix in (".meta.json", ".index", ".data-*"):
                for name in tf.io.gfile.glob(prefix + suffix):
                    tf.io.gfile.remove(name)


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


def machine_of(directory, step):
    """What a checkpoint was computed on, a `cpu.record`; None if not told."""
    prefix = os.path.join(directory, f"ckpt-{step}")
    return whole_file.read_json(meta_path(prefix)).get("machine")


def meta_path(prefix):
    """The file that says that a checkpoint is whole."""
    return f"{prefix}.meta.json"


def check_sizes(prefix):
    """Raises ValueError if a file is not as long as when it was committed."""
    sizes = whole_file.read_json(meta_path(prefix))["sizes"]
    for name, size in sizes.items():
        path = os.path.join(os.path.dirname(prefix), name)
        length = tf.io.gfile.stat(path).length
        if length != size:
            raise ValueError(f"{name} has {length} bytes, not {size}")
