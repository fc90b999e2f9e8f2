"""`--precision=auto`: what the device multiplies natively, decided once."""

import functools
import os

import tensorflow as tf
from absl import logging

from simclr_tf import distribution, files
from simclr_tf.planning import bfloat16
from simclr_tf.setup import model_dir

AUTO = "auto"
_RECALLING_MODES = frozenset(("eval", "export"))
"""Those that find a run through `checkpoint`, and start none from it."""


def settle(config):
    """Replaces `precision=auto` by what is used.

    A run that is resumed, evaluated or exported keeps what it began with,
    whatever the device; a new one takes what the device has.

    Args:
        config: a `Config`.

    Returns:
        A `Config` whose `precision` is float32 or bfloat16.
    """
    if config.precision != AUTO:
        return config
    chosen = recorded(config) or native(config)
    return config.replace(precision=chosen)


def recorded(config):
    """The precision of the run or curve that `config` goes on with, or None.

    Raises:
        errors.UserError: if its record cannot be understood.
    """
    places = [config.model_dir]
    if config.mode in _RECALLING_MODES and config.checkpoint:
        places.append(model_dir.run_of(config.checkpoint))
    for path in filter(None, places):
        run = model_dir.read_run(path)
        if run is not None:
            return run["config"].precision
        curve = os.path.join(path, model_dir.CURVE_FILE)
        if tf.io.gfile.exists(curve):
            return files.read_json(curve)["precision"]
    return None


def native(config):
    """bfloat16 where the device multiplies it natively, else float32."""
    is_native = config.use_tpu or distribution.multiplies_bfloat16()
    return "bfloat16" if is_native else "float32"


def warn_where_slow(config):
    """Warns of bfloat16 where the device does not multiply it natively.

    Once in a process.

    Args:
        config: a `Config` that is settled.
    """
    if config.precision == "float32" or native(config) == "bfloat16":
        return
    _warn_once()


@functools.cache
def _warn_once():
    logging.warning(
        "precision=bfloat16 is slow here: this device does not multiply it "
        "natively, and a small network trains %.3g times as long in it as in "
        "float32",
        bfloat16.relative_time(),
    )
