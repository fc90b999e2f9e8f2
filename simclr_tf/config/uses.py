"""Where a field of the configuration has an effect.

An activity is a part of the program that does one thing: a kind of training,
a protocol of evaluation, or another mode. Every field names the activities it
has an effect on (`fields.knob`, `used_in`).
"""

import dataclasses

TRAINING = ("pretrain", "finetune", "distill")
"""Values of `train_mode`, in the modes train and train_then_eval."""
EVALUATION = ("online", "frozen", "transfer")
"""Values of `eval_protocol`, in the modes eval and train_then_eval."""
OTHERS = ("label_curve", "export", "import", "plan", "compare")
"""Modes of one activity each."""
ACTIVITIES = (*TRAINING, *EVALUATION, *OTHERS)

SUPERVISED = ("finetune", "distill")
SCORED = ("online", "frozen")
"""Protocols that score the images of `eval_split`."""
RUNS = (*TRAINING, "label_curve")
"""Activities that start runs of training."""
STEPS = (*RUNS, "plan")
"""Those that compute steps of training; a plan times some."""
DEVICES = (*STEPS, "transfer")
"""Those that choose devices; transfer does to fine-tune."""
DATA = (*STEPS, *EVALUATION)
KEPT_NETWORK = (*DATA, "export")
"""Those that run a network, or export it with its settings."""
NETWORK = (*KEPT_NETWORK, "import")

_RECORDED = (*EVALUATION, "export")
"""What reads `config.json`, and takes from it the fields not set again."""


def unused(config, names):
    """The given fields that have no effect on what a configuration asks for.

    Args:
        config: a `Config`.
        names: names of fields.

    Returns:
        A sorted tuple of names.
    """
    known = {field.name: field for field in dataclasses.fields(config)}
    return tuple(
        name
        for name in sorted(names)
        if not _is_used(config, known[name].metadata["used_in"])
    )


def _is_used(config, used_in):
    """Whether a field used in some activities is used under `config`."""
    if config.mode == "plan":
        return {"plan", config.train_mode} <= set(used_in)
    return bool(set(used_in) & set(activities(config)))


def describe(config):
    """The mode, and what else decides which fields are used, as flags."""
    if config.mode in ("train", "train_then_eval", "plan"):
        return f"{config.mode} --train_mode={config.train_mode}"
    if config.mode == "eval":
        return f"{config.mode} --eval_protocol={config.eval_protocol}"
    return config.mode


def activities(config):
    """The activities that read a configuration now or from its record.

    Training and import write the whole configuration to `config.json`, from
    which evaluation and export take every field that is not set there.
    """
    trained = (config.train_mode, *_RECORDED)
    return {
        "train": trained,
        "train_then_eval": trained,
        "import": ("import", *_RECORDED),
        "eval": (config.eval_protocol,),
        "plan": ("plan",),
    }.get(config.mode, (config.mode,))
