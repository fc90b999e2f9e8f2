"""Configuration of the curve of accuracy against labels."""

import dataclasses

from simclr_tf.config import fields

METHODS = ("scratch", "linear", "finetune", "knn")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelCurveConfig:
    """What `--mode=label_curve` compares."""

    label_fractions: tuple[float, ...] = fields.knob(
        (0.01, 0.1, 1.0),
        "Shares of the labels at which mode=label_curve compares methods.",
        source="Chen et al. 2020a, Table 7 (1%, 10%)",
        changes="the labels seen",
        used_in=("label_curve",),
    )
    curve_methods: tuple[str, ...] = fields.knob(
        METHODS,
        "Methods of mode=label_curve, out of scratch, linear, finetune, knn.",
        changes="the methods compared",
        used_in=("label_curve",),
    )
    scratch_train_epochs: int = fields.knob(
        0,
        "Epochs of the supervised baseline in mode=label_curve; 0 is twice "
        "train_epochs (or twice train_steps).",
        changes="the number of steps from scratch",
        used_in=("label_curve",),
    )
    scratch_learning_rate: float = fields.knob(
        0.0,
        "Learning rate of the supervised baseline in mode=label_curve; 0 is "
        "learning_rate.",
        changes="the update from scratch",
        used_in=("label_curve",),
    )
