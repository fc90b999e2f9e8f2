"""Configuration of the evaluation: protocols and their settings."""

import dataclasses

from simclr_tf.config import fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """How a trained network is judged."""

    eval_protocol: str = fields.knob(
        "online",
        "'online' scores the supervised head that was trained; 'frozen' fits "
        "kNN and linear probes on frozen features; 'transfer' does so on "
        "other data sets, or fine-tunes on them.",
        choices=("online", "frozen", "transfer"),
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
    eval_methods: tuple[str, ...] = fields.knob(
        ("knn", "linear"),
        "Methods of the frozen protocol, out of knn, linear (logistic "
        "regression) and least_squares (closed form).",
    )
    eval_baselines: tuple[str, ...] = fields.knob(
        (),
        "Baselines of the frozen protocol: 'random' (an untrained encoder "
        "with gamma 1 and batch-norm statistics of training images), "
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
    knn_grid: bool = fields.knob(
        False,
        "Choose neighbours and temperature of kNN on the held-out part of "
        "the training set, instead of knn_neighbors and knn_temperature.",
    )
    probe_l2: tuple[float, ...] = fields.knob(
        (),
        "L2 strengths of the linear probe; of several, the best on the "
        "held-out part of the training set is used. Empty is the paper's 45 "
        "from 1e-6 to 1e5.",
        source="Chen et al. 2020a, appendix B.8",
    )
    probe_blocks: bool = fields.knob(
        False,
        "Fit a linear probe to the output of every block group and "
        "projection layer, too.",
    )
    feature_cache: str | None = fields.knob(
        None,
        "Directory in which frozen features are kept, to be computed once; "
        "default model_dir/features.",
    )
    holdout_fraction: float = fields.knob(
        0.1,
        "Part of the training split held out from the evaluation protocols "
        "to choose settings on; never used for the score. Where it has fewer "
        "than 100 images, five-fold cross-validation chooses instead.",
    )
    transfer_datasets: tuple[str, ...] = fields.knob(
        ("paper",),
        "Data sets of the transfer protocol: names as in the paper's table "
        "(paper is all twelve), NAME=DATASET such as birdsnap=folder:PATH, or "
        "any data set with splits train and test.",
        source="Chen et al. 2020a, appendix B.8",
    )
    transfer_method: str = fields.knob(
        "linear",
        "Logistic regression on frozen features, or fine-tuning.",
        source="Chen et al. 2020a, appendix B.8",
        choices=("linear", "finetune"),
    )
    transfer_steps: int = fields.knob(
        20_000,
        "Steps of each fine-tuning of the transfer protocol.",
        source="Chen et al. 2020a, appendix B.8",
    )
    transfer_batch_size: int = fields.knob(
        256,
        "Images of its batch.",
        source="Chen et al. 2020a, appendix B.8",
    )
    transfer_learning_rates: tuple[float, ...] = fields.knob(
        (),
        "Learning rates of its grid, of a whole batch; empty is the paper's "
        "7 from 1e-4 to 0.1.",
        source="Chen et al. 2020a, appendix B.8",
    )
    transfer_weight_decays: tuple[float, ...] = fields.knob(
        (),
        "Weight decays of its grid, each divided by the rate; empty is the "
        "paper's: 0, and 7 from 1e-6 to 1e-3.",
        source="Chen et al. 2020a, appendix B.8",
    )
    compare_with: str | None = fields.knob(
        None,
        "What mode=compare sets against model_dir: the model_dir of another "
        "run, or a file of predictions.",
    )
