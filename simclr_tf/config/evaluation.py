"""Configuration of the evaluation: protocols and their settings."""

import dataclasses

from simclr_tf.config import fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """How a trained network is judged."""

    eval_protocol: str = fields.knob(
        "online",
        "'online' scores the supervised head trained along; 'frozen' fits "
        "kNN and linear probes on frozen features.",
        choices=("online", "frozen"),
    )
    eval_batch_size: int = fields.knob(
        256,
        "Images of an evaluation batch; evaluation runs on one device.",
        source="official tf2/run.py",
    )
    eval_steps: int = fields.knob(
        0,
        "Batches to evaluate; 0 is the whole split.",
        source="official tf2/run.py",
    )
    eval_name: str | None = fields.knob(
        None,
        "Accepted for the official commands; no effect.",
        source="official tf2/run.py",
    )
    eval_label_budgets: tuple[str, ...] = fields.knob(
        ("all",),
        "Labels the frozen protocol fits on: 'all', a number per class, or "
        "a percentage such as 1%; always class-balanced.",
    )
    eval_label_draws: int = fields.knob(
        5, "Random draws of each label budget short of all."
    )
    eval_baselines: tuple[str, ...] = fields.knob(
        (),
        "Baselines of the frozen protocol: 'random' (an untrained encoder), "
        "'pixels'.",
    )
    knn_every_epochs: int = fields.knob(
        0,
        "Epochs between kNN scores on a held-out part of the training set "
        "while pretraining; 0 is never.",
    )
    knn_neighbors: int = fields.knob(
        200, "Neighbours of kNN.", source="Wu et al. 2018 (arXiv:1805.01978)"
    )
    knn_temperature: float = fields.knob(
        0.1, "Temperature of kNN's votes: exp(cosine / temperature)."
    )
    probe_l2: tuple[float, ...] = fields.knob(
        (0.0001, 0.001, 0.01, 0.1),
        "L2 strengths of the linear probe; of several, the best on the "
        "held-out part of the training set is used.",
    )
    holdout_fraction: float = fields.knob(
        0.1,
        "Part of the training split held out from the evaluation protocols "
        "to choose settings on; never used for the score.",
    )
