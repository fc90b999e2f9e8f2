"""The state of this process's devices, set by every mode in one place."""

import tensorflow as tf

from simclr_tf import distribution, errors


def prepare(config):
    """Checks what a configuration asks of the devices, and sets their state.

    Every mode and every public function starts here, before anything is read
    or written. Who then recalls a run calls `configure` with what was found.

    Args:
        config: the `Config` as the user gave it.

    Raises:
        errors.UserError: if it asks for arithmetic that no device here has.
    """
    asks_for_tf32 = config.tf32 and "tf32" in config.explicit
    if asks_for_tf32 and (config.use_tpu or not distribution.has_tf32()):
        raise errors.UserError(
            "tf32 must be off, or not given, where there is no GPU with TF32 "
            "(compute capability 8.0 or higher); got True"
        )
    configure(config)


def configure(config):
    """Sets how GPUs multiply float32, for the whole process.

    Args:
        config: a `Config`, recalled where a run is evaluated or exported.
    """
    tf.config.experimental.enable_tensor_float_32_execution(config.tf32)


def arithmetic(config):
    """What the outputs of a network depend on beyond its weights, as a str.

    Only what changes more than the last digits of float32: `fused_bn`, `jit`
    and `remat` do not change inference.

    Args:
        config: a `Config`.
    """
    is_rounded = config.tf32 and distribution.has_tf32()
    return f"{config.precision}, {'TF32' if is_rounded else 'full'} products"
