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
    )
    curve_methods: tuple[str, ...] = fields.knob(
        METHODS,
        "Methods of mode=label_curve, out of scratch, linear, finetune, knn.",
    )
    scratch_train_epochs: int = fields.knob(
        0,
        "Epochs of the supervised baseline in mode=label_curve; 0 is twice "
        "train_epochs (or twice train_steps).",
    )
    scratch_learning_rate: float = fields.knob(
        0.0,
        "Learning rate of the supervised baseline in mode=label_curve; 0 is "
        "learning_rate.",
    )
