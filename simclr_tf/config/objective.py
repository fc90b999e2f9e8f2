"""Configuration of the objective: the loss, and the views it compares."""

import dataclasses

from simclr_tf.config import fields, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObjectiveConfig:
    """What is learned from."""

    train_mode: str = fields.knob(
        "pretrain",
        "Contrastive pretraining, supervised fine-tuning, or distillation "
        "of a teacher.",
        source="official tf2/run.py",
        choices=("pretrain", "finetune", "distill"),
        identity=True,
        changes="the kind of training",
        used_in=(*uses.TRAINING, *uses.EVALUATION, "export", "plan"),
    )
    lineareval_while_pretraining: bool = fields.knob(
        True,
        "Train the supervised head on stop-gradient features while "
        "pretraining; off where there are no labels.",
        source="Chen et al. 2020b, section 2",
        identity=True,
        changes="whether there is a supervised head",
        used_in=("pretrain", "plan"),
    )
    temperature: float = fields.knob(
        0.1,
        "Temperature of NT-Xent.",
        source="Chen et al. 2020a, Table 5",
        identity=True,
        changes="the loss",
        used_in=("pretrain", "plan"),
    )
    nt_xent: str = fields.knob(
        "auto",
        "How the loss is computed: 'dense' holds the matrix of all pairs, "
        "'streaming' makes it tile by tile, with the same value and gradient "
        "in little memory; 'auto' streams where a replica has as many pairs as "
        "a batch of 2048 images on one device.",
        choices=("auto", "dense", "streaming"),
        changes="how the loss is computed",
        used_in=("pretrain", "plan"),
    )
    hidden_norm: bool = fields.knob(
        True,
        "L2-normalise the projections in the loss.",
        source="Chen et al. 2020a, Table 5",
        identity=True,
        changes="the loss",
        used_in=("pretrain", "plan"),
    )
    color_jitter_strength: float = fields.knob(
        1.0,
        "Strength s of the colour jitter: brightness, contrast and "
        "saturation 0.8 s, hue 0.2 s.",
        source="Chen et al. 2020a, appendix A",
        identity=True,
        changes="views",
        used_in=("pretrain", "plan"),
    )
    color_jitter_impl: str = fields.knob(
        "v2",
        "Brightness is multiplied (v2) or added (v1).",
        source="official tf2/data_util.py",
        choices=("v2", "v1"),
        identity=True,
        changes="views",
        used_in=("pretrain", "plan"),
    )
    use_flip: bool = fields.knob(
        True,
        "Mirror half of the views; off for digits, text and other images "
        "that mirroring changes the meaning of.",
        source="Chen et al. 2020a, appendix A (always on)",
        identity=True,
        changes="views",
        used_in=uses.DEVICES,
    )
    use_blur: bool = fields.knob(
        True,
        "Blur half of the views.",
        source="Chen et al. 2020a, appendix A",
        identity=True,
        changes="views",
        used_in=("pretrain", "plan"),
    )
    crop_min_area: float = fields.knob(
        0.08,
        "Smallest fraction of the image's area a random crop covers.",
        source="Chen et al. 2020a, appendix A",
        identity=True,
        changes="views",
        used_in=uses.DEVICES,
    )
