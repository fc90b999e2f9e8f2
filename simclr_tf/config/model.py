"""Configuration of the network: encoder, projection head, supervised head."""

import dataclasses

from simclr_tf.config import fields, uses

DEPTHS = (10, 18, 34, 50, 101, 152, 200)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes and shapes of the network."""

    resnet_depth: int = fields.knob(
        50,
        "Depth of the ResNet: 10, 18, 34, 50, 101, 152 or 200.",
        source="Chen et al. 2020a, section 2.1",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    width_multiplier: float = fields.knob(
        1.0,
        "Multiplier of every channel count; fractions are allowed.",
        source="Chen et al. 2020a, section 4.1",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    sk_ratio: float = fields.knob(
        0.0,
        "Bottleneck ratio of selective kernels; 0 is off, 0.0625 is usual. "
        "Above 0 the stem and the shortcuts are those of ResNet-D.",
        source="Chen et al. 2020b, section 3",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    se_ratio: float = fields.knob(
        0.0,
        "Bottleneck ratio of squeeze-and-excitation; 0 is off.",
        source="official tf2/run.py",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    stem: str = fields.knob(
        "auto",
        "First layers: 'cifar' is 3x3 without pooling, 'imagenet' is 7x7/2 "
        "with pooling, 'auto' is cifar where image_size <= 32.",
        source="official tf2/model.py",
        choices=("auto", "cifar", "imagenet"),
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    image_size: int = fields.knob(
        224,
        "Side of the square network input, in pixels.",
        source="Chen et al. 2020a, section 2.3",
        identity=True,
        architecture=True,
        changes="the size of images and views",
        used_in=uses.NETWORK,
    )
    batch_norm_decay: float = fields.knob(
        0.9,
        "Momentum of batch norm's moving averages.",
        source="official tf2/run.py",
        identity=True,
        changes="moving statistics",
        used_in=uses.KEPT_NETWORK,
    )
    global_bn: bool = fields.knob(
        True,
        "Compute batch norm statistics over all replicas.",
        source="Chen et al. 2020a, section 2.2",
        identity=True,
        changes="batch statistics of several replicas",
        used_in=uses.DEVICES,
    )
    proj_head_mode: str = fields.knob(
        "nonlinear",
        "Projection head: none, linear, or nonlinear with num_proj_layers.",
        source="Chen et al. 2020a, section 4.2",
        choices=("none", "linear", "nonlinear"),
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    num_proj_layers: int = fields.knob(
        3,
        "Layers of a nonlinear projection head.",
        source="Chen et al. 2020b, section 3",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    proj_out_dim: int = fields.knob(
        128,
        "Width of the projection head's output.",
        source="Chen et al. 2020a, section 4.2",
        identity=True,
        architecture=True,
        changes="the network",
        used_in=uses.NETWORK,
    )
    ft_proj_selector: int = fields.knob(
        0,
        "What the supervised head reads: 0 the encoder's features, k the "
        "output of projection layer k, -1 the last one.",
        source="Chen et al. 2020b, section 2",
        identity=True,
        changes="the input of the supervised head",
        used_in=uses.NETWORK,
    )
    zero_init_logits_layer: bool = fields.knob(
        False,
        "Start the supervised head at zero instead of at the weights of "
        "--checkpoint.",
        source="official tf2/run.py",
        identity=True,
        changes="initial weights of the supervised head",
        used_in=uses.RUNS,
    )
    keep_logits_layer: bool = fields.knob(
        False,
        "Carry the supervised head of --checkpoint into training. Off, since "
        "a head found there may have seen labels this run is not to see.",
        identity=True,
        changes="initial weights of the supervised head",
        used_in=uses.RUNS,
    )
    fine_tune_after_block: int = fields.knob(
        -1,
        "What fine-tuning trains: -1 everything, 0 all after the stem, "
        "1..3 all after that block group, 4 the supervised head only.",
        source="official tf2/run.py",
        identity=True,
        changes="the weights trained, and those in the L2 loss",
        used_in=(*uses.SUPERVISED, *uses.SCORED, "label_curve", "plan"),
    )
