"""Configuration of distillation: the teacher, and what it teaches on."""

import dataclasses

from simclr_tf.config import fields, paths


@dataclasses.dataclass(frozen=True, kw_only=True)
class DistillationConfig:
    """Who teaches, how softly, and on which images."""

    teacher: str | None = fields.knob(
        None,
        "Network with a supervised head that train_mode=distill learns from: "
        "a model_dir, a checkpoint, or a SavedModel, ours or official.",
        identity=True,
        expand=paths.expand_checkpoint,
        changes="the network learned from",
        used_in=("distill", "plan"),
    )
    distill_temperature: float = fields.knob(
        1.0,
        "Temperature of the teacher's and the student's classes.",
        source="Chen et al. 2020b, section 2, Eq. 2",
        identity=True,
        changes="the loss",
        used_in=("distill", "plan"),
    )
    distill_alpha: float = fields.knob(
        1.0,
        "Weight of the teacher; 1 - it is that of the labels. 1 uses no "
        "label at all.",
        source="Chen et al. 2020b, section 2, Eq. 3",
        identity=True,
        changes="the loss",
        used_in=("distill", "plan"),
    )
    unlabelled_dataset: str | None = fields.knob(
        None,
        "Data set whose images the teacher labels, too, such as "
        "'folder:PATH'; its own labels are never read.",
        identity=True,
        expand=paths.expand_dataset,
        changes="the images",
        used_in=("distill", "plan"),
    )
    unlabelled_split: str = fields.knob(
        "train",
        "Split of unlabelled_dataset.",
        identity=True,
        changes="the images",
        used_in=("distill", "plan"),
    )
