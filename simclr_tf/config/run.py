"""Configuration of a run: what to do, and where."""

import dataclasses

from simclr_tf.config import fields


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
    )
    preset: str | None = fields.knob(
        None,
        "Name of a preset, one of the packaged flag files; flags given "
        "explicitly win. Applied by the command line only.",
    )
    model_dir: str | None = fields.knob(
        None,
        "Directory of the run; required for training, which resumes from "
        "its last checkpoint.",
        source="official tf2/run.py",
    )
    checkpoint: str | None = fields.knob(
        None,
        "Weights to start from when model_dir has none, or to evaluate, "
        "export or import: a checkpoint or directory of ours, an official "
        "TF2 or TF1 checkpoint, an official SavedModel or one of ours.",
        source="official tf2/run.py",
    )
    export_dir: str | None = fields.knob(
        None,
        "Where mode=export writes; default model_dir/saved_model/<step>, or "
        "model_dir/keras/<step>, model_dir/onnx/<step>.",
    )
    export_format: str = fields.knob(
        "savedmodel",
        "What mode=export writes: a SavedModel in TF Hub format, a .keras "
        "file (weights and configuration), or the encoder as ONNX.",
        choices=("savedmodel", "keras", "onnx"),
    )
    seed: int = fields.knob(
        0,
        "Seed of the weights, the order of the examples, and every view.",
        identity=True,
    )
    num_seeds: int = fields.knob(
        1,
        "Repeat the run with this many seeds, from seed on, in "
        "model_dir/seed_<n>; result.json then holds mean and 95% interval.",
    )
    checkpoint_epochs: int = fields.knob(
        1, "Epochs between checkpoints.", source="official tf2/run.py"
    )
    checkpoint_steps: int = fields.knob(
        0,
        "Steps between checkpoints; overrides checkpoint_epochs where > 0.",
        source="official tf2/run.py",
    )
    keep_checkpoint_max: int = fields.knob(
        5, "Checkpoints to keep.", source="official tf2/run.py"
    )
    keep_hub_module_max: int = fields.knob(
        1,
        "SavedModels to keep; 0 keeps all.",
        source="official tf2/run.py",
    )
    log_every_secs: float = fields.knob(10.0, "Seconds between progress lines.")
    steps_per_loop: int = fields.knob(
        0,
        "Training steps per call of the graph; 0 chooses about two seconds "
        "of work.",
    )
    profile: bool = fields.knob(
        False,
        "Write a TensorBoard trace of a few steps to model_dir/profile, and "
        "report the share of time spent waiting for input.",
    )
    master: str | None = fields.knob(
        None,
        "Accepted for the official commands; no effect.",
        source="official tf2/run.py",
    )
    train_summary_steps: int = fields.knob(
        100,
        "Accepted for the published commands; no effect.",
        source="official run.py (TF1)",
    )
    variable_schema: str | None = fields.knob(
        None,
        "Regular expression matched on TF1 variable names, whatever the kind "
        "of checkpoint: training starts the others afresh. The usual "
        "one leaves out the head.",
        source="official run.py (TF1)",
    )
