"""What XLA compiles: where it was measured to gain, and nothing else."""

import typing

import tensorflow as tf


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
        unless there are several replicas, which cannot meet inside of it.
    """
    if device_type == "TPU" or jit == "off":
        return Compilation(views=False, one_program=False, step=False)
    return Compilation(
        views=True,
        one_program=device_type != "CPU",
        step=jit == "on" and num_replicas == 1,
    )


def compiled(step_fn, *, is_compiled):
    """`step_fn` as one XLA program, or as it is."""
    if not is_compiled:
        return step_fn
    return tf.function(step_fn, jit_compile=True)
