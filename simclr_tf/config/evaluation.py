"""Configuration of the evaluation: protocols and their settings."""

import dataclasses

from simclr_tf.config import fields, paths, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """How a trained network is judged."""

    eval_protocol: str = fields.knob(
        "online",
        "'online' scores the supervised head that was trained; 'frozen' fits "
        "kNN and linear probes on frozen features; 'transfer' does so on "
        "other data sets, or fine-tunes on them.",
        choices=("online", "frozen", "transfer"),
        changes="what is scored",
        used_in=uses.EVALUATION,
    )
    eval_batch_size: int = fields.knob(
        256,
        "Images of an evaluation batch; evaluation runs on one device.",
        source="official tf2/run.py",
        changes="batches of images that are scored",
        used_in=("pretrain", *uses.EVALUATION, "label_curve"),
    )
    eval_steps: int = fields.knob(
        0,
        "Batches to evaluate; 0 is the whole split.",
        source="official tf2/run.py",
        changes="the images scored",
        used_in=("online",),
    )
    eval_name: str | None = fields.knob(
        None,
        "Accepted for the official commands; no effect.",
        source="official tf2/run.py",
        changes="nothing",
        used_in=(),
    )
    eval_label_budgets: tuple[str, ...] = fields.knob(
        ("all",),
        "Labels the frozen protocol fits on: 'all', a number per class, or "
        "a percentage such as 1%; always class-balanced.",
        changes="the labels fitted on",
        used_in=("frozen",),
    )
    eval_label_draws: int = fields.knob(
        5,
        "Random draws of each label budget short of all.",
        changes="the labels fitted on",
        used_in=("frozen",),
    )
    eval_methods: tuple[str, ...] = fields.knob(
        ("knn", "linear"),
        "Methods of the frozen protocol, out of knn, linear (logistic "
        "regression) and least_squares (closed form).",
        changes="the methods compared",
        used_in=("frozen",),
    )
    eval_baselines: tuple[str, ...] = fields.knob(
        (),
        "Baselines of the frozen protocol: 'random' (an untrained encoder "
        "with gamma 1 and batch-norm statistics of training images), "
        "'pixels'.",
        changes="the baselines compared",
        used_in=("frozen",),
    )
    knn_every_epochs: int = fields.knob(
        0,
        "Epochs between kNN scores on a held-out part of the training set "
        "while pretraining; 0 is never.",
        changes="when kNN is scored in training",
        used_in=("pretrain",),
    )
    knn_neighbors: int = fields.knob(
        200,
        "Neighbours of kNN.",
        source="Wu et al. 2018 (arXiv:1805.01978)",
        changes="votes of kNN",
        used_in=("pretrain", "frozen", "label_curve"),
    )
    knn_temperature: float = fields.knob(
        0.1,
        "Temperature of kNN's votes: exp(cosine / temperature).",
        changes="votes of kNN",
        used_in=("pretrain", "frozen", "label_curve"),
    )
    knn_grid: bool = fields.knob(
        False,
        "Choose neighbours and temperature of kNN on the held-out part of "
        "the training set, instead of knn_neighbors and knn_temperature.",
        changes="how settings of kNN are chosen",
        used_in=("frozen", "label_curve"),
    )
    probe_l2: tuple[float, ...] = fields.knob(
        (),
        "L2 strengths of the linear probe; of several, the best on the "
        "held-out part of the training set is used. Empty is the paper's 45 "
        "from 1e-6 to 1e5.",
        source="Chen et al. 2020a, appendix B.8",
        changes="penalties of linear probes",
        used_in=("frozen", "transfer", "label_curve"),
    )
    probe_blocks: bool = fields.knob(
        False,
        "Fit a linear probe to the output of every block group and "
        "projection layer, too.",
        changes="the features that are probed",
        used_in=("frozen",),
    )
    feature_cache: str | None = fields.knob(
        None,
        "Directory in which frozen features are kept, to be computed once; "
        "default model_dir/features.",
        expand=paths.expand,
        changes="where features are kept",
        used_in=("frozen", "transfer", "label_curve"),
    )
    holdout_fraction: float = fields.knob(
        0.1,
        "Part of the training split held out from the evaluation protocols "
        "to choose settings on; never used for the score. Where it has fewer "
        "than 100 images, five-fold cross-validation chooses instead.",
        changes="the images settings are chosen on",
        used_in=("frozen", "label_curve"),
    )
    transfer_datasets: tuple[str, ...] = fields.knob(
        ("paper",),
        "Data sets of the transfer protocol: names as in the paper's table "
        "(paper is all twelve), NAME=DATASET such as birdsnap=folder:PATH, or "
        "any data set with splits train and test.",
        source="Chen et al. 2020a, appendix B.8",
        changes="the images",
        used_in=("transfer",),
    )
    transfer_method: str = fields.knob(
        "linear",
        "Logistic regression on frozen features, or fine-tuning.",
        source="Chen et al. 2020a, appendix B.8",
        choices=("linear", "finetune"),
        changes="what is scored",
        used_in=("transfer",),
    )
    transfer_steps: int = fields.knob(
        20_000,
        "Steps of each fine-tuning of the transfer protocol.",
        source="Chen et al. 2020a, appendix B.8",
        changes="the number of steps",
        used_in=("transfer",),
    )
    transfer_batch_size: int = fields.knob(
        256,
        "Images of its batch.",
        source="Chen et al. 2020a, appendix B.8",
        changes="the batch",
        used_in=("transfer",),
    )
    transfer_learning_rates: tuple[float, ...] = fields.knob(
        (),
        "Learning rates of its grid, of a whole batch; empty is the paper's "
        "7 from 1e-4 to 0.1.",
        source="Chen et al. 2020a, appendix B.8",
        changes="the settings tried",
        used_in=("transfer",),
    )
    transfer_weight_decays: tuple[float, ...] = fields.knob(
        (),
        "Weight decays of its grid, each divided by the rate; empty is the "
        "paper's: 0, and 7 from 1e-6 to 1e-3.",
        source="Chen et al. 2020a, appendix B.8",
        changes="the settings tried",
        used_in=("transfer",),
    )
    compare_with: str | None = fields.knob(
        None,
        "What mode=compare sets against model_dir: the model_dir of another "
        "run, or a file of predictions.",
        expand=paths.expand,
        changes="the other run",
        used_in=("compare",),
    )
