"""The rules a configuration obeys, as tables; checks are pure."""

import re

from simclr_tf import errors
from simclr_tf.config import cross_rules, label_curve, model

Rule = cross_rules.Rule
MAX_SEED = 2**31 - 1
GLOB_CHARACTERS = "*?[]"
# Contrast and saturation draw a factor from 1 - 0.8 s: it must not fall
# below 0 (Chen et al. 2020a, appendix A).
MAX_JITTER = 1.25
LAST_BLOCK_GROUP = 4
SMALLEST_IMAGE_PX = 4


def check(config):
    """Checks every rule, single fields first.

    Raises:
        errors.UserError: at the first rule broken; one line with the field,
            the rule and the value.
    """
    for rule in RULES:
        value = getattr(config, rule.field)
        if not rule.holds(value):
            raise _broken(rule, value)
    for rule in cross_rules.CROSS_RULES:
        if not rule.holds(config):
            raise _broken(rule, getattr(config, rule.field))


def _broken(rule, value):
    shown = list(value) if isinstance(value, tuple) else value
    return errors.UserError(
        f"{rule.field} {rule.verb} {rule.text}; got {shown!r}"
    )


def _at_least(low, *names):
    text = f"at least {low}"
    return tuple(Rule(name, lambda x: x >= low, text) for name in names)


def _positive(*names):
    return tuple(Rule(name, lambda x: x > 0, "positive") for name in names)


def _between(low, high, *names):
    text = f"between {low} and {high}"
    return tuple(Rule(name, lambda x: low <= x <= high, text) for name in names)


def _share(*names):
    text = "at least 0 and below 1"
    return tuple(Rule(name, lambda x: 0 <= x < 1, text) for name in names)


def _named(*names):
    text = "a name, not empty"
    return tuple(Rule(name, lambda x: bool(x.strip()), text) for name in names)


def _some_of(name, *known):
    text = "a list out of " + ", ".join(known)
    return (Rule(name, lambda xs: xs and set(xs) <= set(known), text),)


def _is_budget(token):
    """Whether a token is "all", labels per class, or a percentage."""
    if token == "all":
        return True
    number = re.fullmatch(r"(\d+)|(\d+(?:\.\d+)?)%", token)
    if not number:
        return False
    per_class, percent = number.groups()
    return int(per_class) > 0 if per_class else 0 < float(percent) <= 100


def _is_pattern(text):
    try:
        re.compile(text or "")
    except re.error:
        return False
    return True


RULES = (
    *_positive(
        "temperature",
        "distill_temperature",
        "lars_eta",
        "knn_temperature",
    ),
    *_at_least(1 / 32, "width_multiplier"),
    *_at_least(
        0,
        "learning_rate",
        "weight_decay",
        "warmup_epochs",
        "train_steps",
        "eval_steps",
        "checkpoint_steps",
        "keep_hub_module_max",
        "memory_limit_mb",
        "num_replicas",
        "microbatch_size",
        "steps_per_loop",
        "log_every_secs",
        "knn_every_epochs",
        "labels_per_class",
        "scratch_train_epochs",
        "scratch_learning_rate",
        "train_summary_steps",
    ),
    *_at_least(
        1,
        "train_batch_size",
        "train_epochs",
        "eval_batch_size",
        "checkpoint_epochs",
        "keep_checkpoint_max",
        "num_proj_layers",
        "proj_out_dim",
        "max_image_pixels",
        "knn_neighbors",
        "eval_label_draws",
        "num_seeds",
        "transfer_steps",
        "transfer_batch_size",
    ),
    *_at_least(SMALLEST_IMAGE_PX, "image_size"),
    *_share("momentum", "batch_norm_decay"),
    *_between(0, 1, "sk_ratio", "se_ratio", "label_fraction", "distill_alpha"),
    *_between(0, MAX_JITTER, "color_jitter_strength"),
    *_between(0, MAX_SEED, "seed"),
    *_between(-1, LAST_BLOCK_GROUP, "fine_tune_after_block"),
    *_named("dataset", "train_split", "eval_split", "unlabelled_split"),
    *_some_of("eval_methods", "knn", "linear", "least_squares"),
    *_some_of("curve_methods", *label_curve.METHODS),
    Rule(
        "dataset",
        lambda name: name != "folder:",
        "'digits', a TFDS name, or 'folder:PATH' with a path",
    ),
    Rule(
        "resnet_depth",
        lambda depth: depth in model.DEPTHS,
        "one of " + ", ".join(map(str, model.DEPTHS)),
    ),
    Rule(
        "crop_min_area",
        lambda area: 0 < area <= 1,
        "above 0 and at most 1",
    ),
    Rule(
        "holdout_fraction",
        lambda fraction: 0 < fraction < 1,
        "above 0 and below 1",
    ),
    Rule(
        "model_dir",
        lambda path: not set(path or "") & set(GLOB_CHARACTERS),
        f"free of the glob characters {GLOB_CHARACTERS}",
    ),
    Rule("variable_schema", _is_pattern, "a regular expression"),
    Rule(
        "eval_label_budgets",
        lambda budgets: budgets and all(map(_is_budget, budgets)),
        "a list of 'all', labels per class, or percentages up to 100%",
    ),
    Rule(
        "probe_l2",
        lambda strengths: min(strengths, default=1) > 0,
        "a list of positive numbers, or empty",
    ),
    Rule(
        "label_fractions",
        lambda shares: shares and all(0 < share <= 1 for share in shares),
        "a list of numbers above 0 and at most 1",
    ),
    Rule(
        "transfer_datasets",
        lambda names: names and all(map(str.strip, names)),
        "a list of data sets",
    ),
    Rule(
        "transfer_learning_rates",
        lambda rates: min(rates, default=1) > 0,
        "a list of positive numbers, or empty",
    ),
    Rule(
        "transfer_weight_decays",
        lambda decays: min(decays, default=0) >= 0,
        "a list of numbers of at least 0, or empty",
    ),
    Rule(
        "eval_baselines",
        lambda names: set(names) <= {"random", "pixels"},
        "a list out of random, pixels",
    ),
)
