"""The state of this process's devices, set by every mode in one place."""

import contextlib
import json
import os

import tensorflow as tf
from absl import logging

from simclr_tf import distribution, errors
from simclr_tf.config import uses
from simclr_tf.setup import plan_of_run


def prepare(config):
    """Checks what a configuration asks of the devices, and sets their state.

    Every mode and every training starts here, before anything is read or
    written. Who then recalls a run calls `configure` with what was found.

    Args:
        config: the `Config` as the user gave it.

    Raises:
        errors.UserError: as `check`.
    """
    check(config)
    configure(config)


def check(config):
    """Checks what a configuration asks of the devices.

    Args:
        config: the `Config` as the user gave it.

    Raises:
        errors.UserError: if it asks for arithmetic or for replicas that no
            device here has, or `TF_CONFIG` for several workers.
    """
    _check_one_worker()
    _check_replicas(config)
    asks_for_tf32 = config.tf32 and "tf32" in config.explicit
    if asks_for_tf32 and (config.use_tpu or not distribution.has_tf32()):
        raise errors.UserError(
            "tf32 must be off, or not given, where there is no GPU with TF32 "
            "(compute capability 8.0 or higher); got True"
        )


def _check_one_worker():
    """Refuses to be one of several workers: each would train alone."""
    cluster = os.environ.get("TF_CONFIG")
    try:
        tasks = json.loads(cluster or "{}").get("cluster", {})
        num_tasks = sum(len(hosts) for hosts in tasks.values())
    except (TypeError, AttributeError, ValueError) as error:
        raise errors.UserError(
            f"TF_CONFIG must be JSON with a cluster, or not set; got "
            f"{cluster!r}"
        ) from error
    if num_tasks > 1:
        raise errors.UserError(
            f"TF_CONFIG must name one worker at most, as training over several "
            f"is not offered; got {num_tasks}"
        )


def _check_replicas(config):
    """Refuses too many replicas; else the CPU is divided among them.

    That can only be done before TensorFlow has started.
    """
    if config.use_tpu or uses.unused(config, ("num_replicas",)):
        return
    num_replicas = len(distribution.local_devices(config.num_replicas))
    if not uses.unused(config, ("train_batch_size",)):
        plan_of_run.check_batch(config, num_replicas)


def configure(config):
    """Sets how GPUs multiply float32, for the whole process.

    Args:
        config: a `Config`, recalled where a run is evaluated or exported.
    """
    tf.config.experimental.enable_tensor_float_32_execution(config.tf32)


@contextlib.contextmanager
def kept():
    """A context that leaves how GPUs multiply float32 as it found it."""
    switch = tf.config.experimental
    former = switch.tensor_float_32_execution_enabled()
    try:
        yield
    finally:
        switch.enable_tensor_float_32_execution(former)


def warn_of_other_products(config):
    """Warns where this process multiplies otherwise than a run did.

    Args:
        config: a `Config`, recalled from the run.
    """
    is_on = tf.config.experimental.tensor_float_32_execution_enabled()
    if distribution.has_tf32() and is_on != config.tf32:
        logging.warning(
            "TF32 is %s in this process and was %s for these weights; to "
            "compute as their run did, call "
            "tf.config.experimental.enable_tensor_float_32_execution(%s)",
            *("on" if each else "off" for each in (is_on, config.tf32)),
            config.tf32,
        )


def arithmetic(config):
    """What the outputs of a network depend on beyond its weights, as a str.

    Only what changes more than the last digits of float32: `fused_bn`, `jit`
    and `remat` do not change inference.

    Args:
        config: a `Config`.
    """
    is_rounded = config.tf32 and distribution.has_tf32()
    return f"{config.precision}, {'TF32' if is_rounded else 'full'} products"


def make_strategy(config):
    """The `tf.distribute` strategy asked for, or what the hardware offers."""
    tpu = None
    if config.use_tpu:
        tpu = distribution.TpuAddress(
            config.tpu_name, config.tpu_zone, config.gcp_project
        )
    return distribution.make_strategy(tpu=tpu, num_replicas=config.num_replicas)
