"""Configuration of a run: what to do, and where."""

import dataclasses

from simclr_tf.config import fields, paths, uses


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig:
    """The run and its directory."""

    mode: str = fields.knob(
        "train",
        "What to do; eval follows new checkpoints of model_dir, export "
        "writes a SavedModel or another export_format, import turns "
        "checkpoint into one of ours, plan tells what training would cost, "
        "compare says whether two evaluated runs differ, label_curve draws "
        "accuracy against labels for a given checkpoint.",
        source="official tf2/run.py",
        choices=(
            "train",
            "eval",
            "train_then_eval",
            "export",
            "import",
            "plan",
            "compare",
            "label_curve",
        ),
        changes="what is done",
        used_in=uses.ACTIVITIES,
    )
    preset: str | None = fields.knob(
        None,
        "Name of a preset, one of the packaged flag files; flags given "
        "explicitly win. Applied by the command line only.",
        changes="the defaults of other flags",
        used_in=uses.ACTIVITIES,
    )
    model_dir: str | None = fields.knob(
        None,
        "Directory of the run; required for training, which resumes from "
        "its last checkpoint.",
        source="official tf2/run.py",
        expand=paths.expand,
        changes="where the run is",
        used_in=uses.ACTIVITIES,
    )
    accept_data_change: bool = fields.knob(
        False,
        "Go on with a run although images were added, removed, renamed or "
        "replaced; it is recorded. The classes must stay the same.",
        changes="whether a run goes on with other images",
        used_in=uses.TRAINING,
    )
    checkpoint: str | None = fields.knob(
        None,
        "Weights to start from when model_dir has none, or to evaluate, "
        "export or import: a checkpoint or directory of ours, an official "
        "TF2 or TF1 checkpoint, an official SavedModel or one of ours.",
        source="official tf2/run.py",
        expand=paths.expand_checkpoint,
        changes="the weights it starts from, and their architecture",
        used_in=uses.NETWORK,
    )
    export_dir: str | None = fields.knob(
        None,
        "Where mode=export writes; default model_dir/saved_model/<step>, or "
        "model_dir/keras/<step>, model_dir/onnx/<step>.",
        expand=paths.expand,
        changes="where files are written",
        used_in=("export",),
    )
    export_format: str = fields.knob(
        "savedmodel",
        "What mode=export writes: a SavedModel in TF Hub format, a .keras "
        "file (weights and configuration), or the encoder as ONNX.",
        choices=("savedmodel", "keras", "onnx"),
        changes="the files written",
        used_in=(*uses.EVALUATION, "label_curve", "export"),
    )
    extend: bool = fields.knob(
        False,
        "Train the finished run in model_dir longer: with a larger "
        "train_epochs or train_steps, a new schedule (warm-up and cosine) "
        "starts from its last weights. Recorded; the same command resumes.",
        changes="whether a finished run goes on",
        used_in=uses.TRAINING,
    )
    seed: int = fields.knob(
        0,
        "Seed of the weights, the order of the examples, and every view.",
        identity=True,
        changes="initial weights, order of examples, views, draws of labels",
        used_in=(*uses.STEPS, "frozen", "transfer"),
    )
    num_seeds: int = fields.knob(
        1,
        "Repeat the run with this many seeds, from seed on, in "
        "model_dir/seed_<n>; result.json then holds mean and 95% interval.",
        changes="how many runs there are",
        used_in=(*uses.RUNS, *uses.EVALUATION),
    )
    checkpoint_epochs: int = fields.knob(
        1,
        "Epochs between checkpoints; where neither this nor checkpoint_steps "
        "is set, also half a minute at least.",
        source="official tf2/run.py",
        changes="when checkpoints are written",
        used_in=uses.STEPS,
    )
    checkpoint_steps: int = fields.knob(
        0,
        "Steps between checkpoints; overrides checkpoint_epochs where > 0.",
        source="official tf2/run.py",
        changes="when checkpoints are written",
        used_in=uses.STEPS,
    )
    keep_checkpoint_max: int = fields.knob(
        5,
        "Checkpoints to keep.",
        source="official tf2/run.py",
        changes="the checkpoints kept",
        used_in=uses.RUNS,
    )
    keep_hub_module_max: int = fields.knob(
        1,
        "SavedModels to keep; 0 keeps all.",
        source="official tf2/run.py",
        changes="the exports kept",
        used_in=(*uses.EVALUATION, "label_curve", "export"),
    )
    log_every_secs: float = fields.knob(
        10.0,
        "Seconds between progress lines.",
        changes="when progress is reported",
        used_in=(*uses.RUNS, "transfer"),
    )
    steps_per_loop: int = fields.knob(
        0,
        "Training steps per call of the graph; 0 chooses about two seconds "
        "of work.",
        changes="steps of a graph call",
        used_in=(*uses.RUNS, "transfer"),
    )
    profile: bool = fields.knob(
        False,
        "Write a TensorBoard trace of a few steps to model_dir/profile, and "
        "report the share of time spent waiting for input.",
        changes="how steps are called, and the trace written",
        used_in=uses.RUNS,
    )
    master: str | None = fields.knob(
        None,
        "Accepted for the official commands; no effect.",
        source="official tf2/run.py",
        changes="nothing",
        used_in=(),
    )
    train_summary_steps: int = fields.knob(
        100,
        "Accepted for the published commands; no effect.",
        source="official run.py (TF1)",
        changes="nothing",
        used_in=(),
    )
    variable_schema: str | None = fields.knob(
        None,
        "Regular expression matched on TF1 variable names, whatever the kind "
        "of checkpoint: training starts the others afresh. The usual "
        "one leaves out the head.",
        source="official run.py (TF1)",
        changes="the weights taken from the checkpoint",
        used_in=uses.STEPS,
    )
