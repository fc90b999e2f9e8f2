"""Configuration of the optimiser, the schedule and the batch."""

import dataclasses

from simclr_tf.config import fields, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How the weights move, and for how long."""

    optimizer: str = fields.knob(
        "lars",
        "Optimiser; momentum is SGD with Nesterov momentum.",
        source="Chen et al. 2020a, section 2.2",
        choices=("momentum", "adam", "lars", "lamb"),
        identity=True,
        changes="the update, and what the L2 loss covers",
        used_in=(*uses.STEPS, *uses.SCORED),
    )
    learning_rate: float = fields.knob(
        0.3,
        "Peak learning rate: per 256 images with linear scaling, per "
        "sqrt(batch) with sqrt scaling.",
        source="Chen et al. 2020a, section 2.3",
        identity=True,
        changes="the update",
        used_in=uses.STEPS,
    )
    learning_rate_scaling: str = fields.knob(
        "linear",
        "How the rate grows with the batch: rate x batch / 256, or "
        "rate x sqrt(batch).",
        source="Chen et al. 2020a, appendix B.1",
        choices=("linear", "sqrt"),
        identity=True,
        changes="the update",
        used_in=uses.STEPS,
    )
    warmup_epochs: float = fields.knob(
        10.0,
        "Epochs of linear warm-up before the cosine decay.",
        source="Chen et al. 2020a, section 2.3",
        identity=True,
        changes="the schedule",
        used_in=uses.STEPS,
    )
    weight_decay: float = fields.knob(
        1e-6,
        "Weight decay: inside the update for lars and lamb, an L2 loss for "
        "the others.",
        source="Chen et al. 2020a, section 2.3",
        identity=True,
        changes="the update or the L2 loss",
        used_in=(*uses.STEPS, *uses.SCORED),
    )
    momentum: float = fields.knob(
        0.9,
        "Momentum of the lars and momentum optimisers.",
        source="official tf2/run.py",
        identity=True,
        changes="the update",
        used_in=uses.STEPS,
    )
    lars_eta: float = fields.knob(
        0.001,
        "LARS trust coefficient.",
        source="You et al. 2017; official tf2/lars_optimizer.py",
        identity=True,
        changes="the update",
        used_in=uses.STEPS,
    )
    train_batch_size: int = fields.knob(
        512,
        "Images of a training batch, over all replicas.",
        source="official tf2/run.py",
        identity=True,
        changes="the batch, and with it rate and steps",
        used_in=uses.STEPS,
    )
    train_epochs: int = fields.knob(
        100,
        "Epochs of training.",
        source="Chen et al. 2020a, section 2.3",
        identity=True,
        changes="the number of steps",
        used_in=uses.STEPS,
    )
    train_steps: int = fields.knob(
        0,
        "Steps of training; overrides train_epochs where > 0.",
        source="official tf2/run.py",
        identity=True,
        changes="the number of steps",
        used_in=uses.STEPS,
    )
