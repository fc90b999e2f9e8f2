"""Configuration of the labels that training on labels may see."""

import dataclasses

from simclr_tf.config import fields, paths, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelsConfig:
    """How many labels, which ones, and what training starts from."""

    label_fraction: float = fields.knob(
        0.0,
        "Share of each class's labels that training on labels sees, such as "
        "0.01; 0 is all of them. Drawn by seed, written to "
        "model_dir/labels.txt.",
        identity=True,
        changes="the labels seen",
        used_in=(*uses.SUPERVISED, "plan"),
    )
    labels_per_class: int = fields.knob(
        0,
        "Labels of each class that training on labels sees; 0 is all of them.",
        identity=True,
        changes="the labels seen",
        used_in=(*uses.SUPERVISED, "plan"),
    )
    label_file: str | None = fields.knob(
        None,
        "Text file naming the images whose labels training sees, one a "
        "line: a labels.txt, or a published list.",
        identity=True,
        expand=paths.expand,
        changes="the labels seen",
        used_in=(*uses.SUPERVISED, "plan"),
    )
    from_scratch: bool = fields.knob(
        False,
        "Fine-tune from random weights instead of those of checkpoint: the "
        "supervised baseline on the same labels.",
        identity=True,
        changes="whether the checkpoint is used",
        used_in=("finetune",),
    )
