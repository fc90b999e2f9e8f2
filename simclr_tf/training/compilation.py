"""What XLA compiles: where it was measured to gain, and nothing else."""

import typing

import tensorflow as tf
from absl import logging

from simclr_tf import errors


class Compilation(typing.NamedTuple):
    """What XLA compiles of a training step.

    Attributes:
        views: the making of views from a batch.
        one_program: whether that is one program; on a CPU blur is faster as
            one of its own.
        step: the whole step of one replica.
    """

    views: bool
    one_program: bool
    step: bool


def choose(jit, *, device_type, num_replicas):
    """What `--jit` stands for on a machine.

    Args:
        jit: "auto", "on" or "off".
        device_type: "CPU", "GPU" or "TPU".
        num_replicas: of the strategy.

    Returns:
        `Compilation`. On a TPU everything is compiled by its strategy, whatever
        is asked for. "auto" compiles views, and no whole step: that loses on a
        CPU and is not measured on a GPU. "on" compiles the whole step as well
        unless there are several replicas, which cannot meet inside of it. While
        a debugger of TensorFlow watches every operation, which XLA cannot
        compile, "auto" compiles nothing and says so.

    Raises:
        errors.UserError: if "on" is asked for while a debugger watches.
    """
    if device_type != "TPU" and jit != "off" and is_watched():
        refuse_when_asked(jit)
        logging.info("XLA is off: it cannot compile what a debugger watches")
        jit = "off"
    if device_type == "TPU" or jit == "off":
        return Compilation(views=False, one_program=False, step=False)
    return Compilation(
        views=True,
        one_program=device_type != "CPU",
        step=jit == "on" and num_replicas == 1,
    )


def is_watched():
    """Whether `tf.debugging.enable_check_numerics`, or the like, is on.

    It adds operations of its own to every graph that is made.
    """
    with tf.Graph().as_default() as graph:
        tf.constant(0.0)
    return len(graph.get_operations()) > 1


def refuse_when_asked(jit):
    """Raises `UserError` where `jit` cannot be had under a debugger."""
    if jit == "on":
        raise errors.UserError(
            "jit must be 'off' or 'auto' while tf.debugging checks or records "
            "every operation (enable_check_numerics), which XLA cannot "
            "compile; got 'on'"
        )


def compiled(step_fn, *, is_compiled):
    """`step_fn` as one XLA program, or as it is."""
    if not is_compiled:
        return step_fn
    return tf.function(step_fn, jit_compile=True)
