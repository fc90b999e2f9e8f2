"""Configuration of the machine: devices, arithmetic, and how to save memory."""

import dataclasses

from simclr_tf.config import fields, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class HardwareConfig:
    """What it runs on, how fast, and in how much memory."""

    precision: str = fields.knob(
        "float32",
        "Arithmetic of the network: bfloat16 is mixed, with batch statistics, "
        "normalisation, heads, loss and weights in float32. auto is bfloat16 "
        "where the device multiplies it natively (AVX512_BF16, AMX, GPUs of "
        "compute capability 8.0 or higher, TPUs), float32 elsewhere, and for "
        "a run that exists what it began with.",
        choices=("auto", "float32", "bfloat16"),
        absent="float16 needs its loss scaled, as gradients below 6e-8 vanish "
        "in it; bfloat16 does not",
        changes="the arithmetic of the network",
        used_in=uses.KEPT_NETWORK,
    )
    tf32: bool = fields.knob(
        True,
        "On GPUs that can, round the factors of the network's float32 products "
        "to 10 bits (TF32), in training and evaluation; never in the loss and "
        "in resizing. --tf32 is refused where no GPU can.",
        changes="the arithmetic of GPUs",
        used_in=uses.DATA,
    )
    jit: str = fields.knob(
        "auto",
        "What XLA compiles: off nothing, on the views and, on one replica, the "
        "whole step, auto the views alone. A TPU compiles all in any case.",
        choices=("auto", "on", "off"),
        changes="what is compiled",
        used_in=uses.DEVICES,
    )
    fused_bn: bool = fields.knob(
        True,
        "On one replica, batch norm in training is one fused operation; off, "
        "and on several, the official arithmetic, E[x^2] - E[x]^2. They "
        "differ by rounding.",
        changes="how batch norm is computed",
        used_in=uses.KEPT_NETWORK,
    )
    microbatch_size: int = fields.knob(
        0,
        "Images whose activations are held at once; 0 is the whole batch. "
        "The loss is over the whole batch all the same, in two passes; batch "
        "norm takes the statistics of each microbatch.",
        identity=True,
        changes="how a step is computed, and batch statistics",
        used_in=("pretrain", "plan"),
    )
    remat: bool = fields.knob(
        False,
        "Keep the inputs of residual blocks alone and compute the rest again "
        "in the backward pass: less memory, about a third more work.",
        changes="what is kept for the gradient",
        used_in=uses.KEPT_NETWORK,
    )
    num_replicas: int = fields.knob(
        0,
        "Local devices to train on; 0 takes all accelerators, or the CPU.",
        changes="the devices",
        used_in=uses.DEVICES,
    )
    use_tpu: bool = fields.knob(
        False,
        "Train on the TPU named by tpu_name. The one default that differs "
        "from the official code (True there): hardware is detected.",
        changes="the devices",
        used_in=uses.DEVICES,
    )
    tpu_name: str | None = fields.knob(
        None,
        "TPU to connect to.",
        source="official tf2/run.py",
        changes="the devices",
        used_in=uses.DEVICES,
    )
    tpu_zone: str | None = fields.knob(
        None,
        "Cloud zone of the TPU.",
        source="official tf2/run.py",
        changes="the devices",
        used_in=uses.DEVICES,
    )
    gcp_project: str | None = fields.knob(
        None,
        "Cloud project of the TPU.",
        source="official tf2/run.py",
        changes="the devices",
        used_in=uses.DEVICES,
    )
