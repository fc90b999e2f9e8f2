"""The rules that bind several fields of a configuration, as a table."""

from typing import NamedTuple

from simclr_tf.config import uses

_WRITE_APART = ("import", "compare", "label_curve")
_START_APART = ("import", "label_curve")
_REPEATED = ("train", "train_then_eval", "eval", "label_curve")


class Rule(NamedTuple):
    """`field` must be `text`, or `verb` in place of "must be".

    `holds` tells whether it is: here of a configuration, in `validation` of
    the field's value.
    """

    field: str
    holds: object
    text: str
    verb: str = "must be"


def _trains(config):
    return config.mode in ("train", "train_then_eval")


def _train_mode(config):
    """What is trained: a curve fine-tunes; None where nothing is.

    What is evaluated or exported tells how it was trained, not the flags.
    """
    if config.mode == "label_curve":
        return "finetune"
    is_training = _trains(config) or config.mode == "plan"
    return config.train_mode if is_training else None


def _pretrains(config):
    return _train_mode(config) == "pretrain"


def _num_projections(config):
    """Layers of the projection head: 0, 1 or `num_proj_layers`."""
    fixed = {"none": 0, "linear": 1}
    return fixed.get(config.proj_head_mode, config.num_proj_layers)


def _only_for(train_modes, field, nothing):
    """`field` is left at `nothing` in other kinds of training."""
    return Rule(
        field,
        lambda config: (
            _train_mode(config) in (None, *train_modes)
            or getattr(config, field) == nothing
        ),
        f"train_mode={' and '.join(train_modes)} only",
        verb="applies to",
    )


def _not_for_the_teacher_alone(field, nothing):
    """`field` is left at `nothing` where labels have no weight."""
    return Rule(
        field,
        lambda config: (
            _train_mode(config) != "distill"
            or config.distill_alpha < 1
            or getattr(config, field) == nothing
        ),
        f"{nothing!r} where distill_alpha is 1, which uses no label",
    )


def _not_for_the_curve(field, nothing, instead):
    """`field` is left at `nothing` by mode=label_curve, which has another."""
    return Rule(
        field,
        lambda config: (
            config.mode != "label_curve" or getattr(config, field) == nothing
        ),
        f"{nothing!r} for mode=label_curve, which has {instead}",
    )


CROSS_RULES = (
    Rule(
        "model_dir",
        lambda config: config.model_dir or not _trains(config),
        "given for training",
    ),
    Rule(
        "model_dir",
        lambda config: (
            config.model_dir
            or config.checkpoint
            or config.mode in ("plan", *_WRITE_APART)
        ),
        "given where there is no checkpoint",
    ),
    Rule(
        "model_dir",
        lambda config: config.model_dir or config.mode not in _WRITE_APART,
        "given for mode=import, compare and label_curve",
    ),
    Rule(
        "checkpoint",
        lambda config: config.checkpoint or config.mode not in _START_APART,
        "given for mode=import and label_curve",
    ),
    Rule(
        "compare_with",
        lambda config: config.compare_with or config.mode != "compare",
        "given for mode=compare",
    ),
    Rule(
        "num_seeds",
        lambda config: config.num_seeds == 1 or config.mode in _REPEATED,
        "1 for other modes than " + ", ".join(_REPEATED),
    ),
    Rule(
        "model_dir",
        lambda config: config.model_dir or config.num_seeds == 1,
        "given for several seeds",
    ),
    Rule(
        "label_fraction",
        lambda config: not (config.label_fraction and config.labels_per_class),
        "0 where labels_per_class is given",
    ),
    Rule(
        "label_file",
        lambda config: (
            not config.label_file
            or not (config.label_fraction or config.labels_per_class)
        ),
        "absent where label_fraction or labels_per_class is given",
    ),
    Rule(
        "teacher",
        lambda config: config.teacher or _train_mode(config) != "distill",
        "given for train_mode=distill",
    ),
    _only_for(uses.SUPERVISED, "label_fraction", 0.0),
    _only_for(uses.SUPERVISED, "labels_per_class", 0),
    _only_for(uses.SUPERVISED, "label_file", None),
    _not_for_the_teacher_alone("label_fraction", 0.0),
    _not_for_the_teacher_alone("labels_per_class", 0),
    _not_for_the_teacher_alone("label_file", None),
    _only_for(("finetune",), "from_scratch", False),
    _not_for_the_curve("from_scratch", False, "a method scratch"),
    _not_for_the_curve("label_fraction", 0.0, "label_fractions"),
    _not_for_the_curve("labels_per_class", 0, "label_fractions"),
    _not_for_the_curve("label_file", None, "label_fractions"),
    _only_for(("distill",), "teacher", None),
    _only_for(("distill",), "unlabelled_dataset", None),
    _only_for(("pretrain",), "microbatch_size", 0),
    _only_for(("pretrain",), "knn_every_epochs", 0),
    Rule(
        "keep_logits_layer",
        lambda config: (
            not (config.keep_logits_layer and config.zero_init_logits_layer)
        ),
        "off where zero_init_logits_layer is on",
    ),
    Rule(
        "train_batch_size",
        lambda config: config.train_batch_size >= 2 or not _pretrains(config),
        "at least 2 for pretraining (one image has no negatives)",
    ),
    Rule(
        "microbatch_size",
        lambda config: (
            not config.microbatch_size
            or config.train_batch_size % config.microbatch_size == 0
        ),
        "a divisor of train_batch_size",
    ),
    Rule(
        "fine_tune_after_block",
        lambda config: (
            config.fine_tune_after_block == -1 or not _pretrains(config)
        ),
        "-1 for train_mode=pretrain",
    ),
    Rule(
        "fine_tune_after_block",
        lambda config: (
            config.fine_tune_after_block == -1 or not config.from_scratch
        ),
        "-1 with from_scratch, as what is frozen would stay random",
    ),
    Rule(
        "fine_tune_after_block",
        lambda config: (
            config.fine_tune_after_block == -1
            or config.train_mode != "distill"
            or config.checkpoint
            or not _trains(config)
        ),
        "-1 for a student without checkpoint, as what is frozen would stay "
        "random",
    ),
    Rule(
        "keep_logits_layer",
        lambda config: not (config.keep_logits_layer and config.from_scratch),
        "off with from_scratch",
    ),
    Rule(
        "eval_steps",
        lambda config: (
            not config.eval_steps
            or (
                config.eval_protocol == "online"
                and config.mode != "label_curve"
            )
        ),
        "0 for eval_protocol=frozen and transfer and for mode=label_curve, "
        "which score whole splits",
    ),
    Rule(
        "ft_proj_selector",
        lambda config: (
            -1 <= config.ft_proj_selector <= _num_projections(config)
        ),
        "-1, 0, or the number of a projection layer",
    ),
)
