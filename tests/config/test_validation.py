import inspect
import re

import pytest

from simclr_tf import errors
from simclr_tf.config import Config, cross_rules, validation

# Every rule with values that break it.
BAD = {
    "temperature": [0.0, -1.0],
    "width_multiplier": [0.0, 0.01],
    "lars_eta": [0.0],
    "knn_temperature": [0.0],
    "learning_rate": [-0.1],
    "weight_decay": [-1e-6],
    "warmup_epochs": [-1.0],
    "train_steps": [-1],
    "eval_steps": [-1],
    "checkpoint_steps": [-1],
    "keep_hub_module_max": [-1],
    "memory_limit_mb": [-1],
    "num_replicas": [-1],
    "microbatch_size": [-1, 100],
    "precision": ["float16"],
    "steps_per_loop": [-1],
    "log_every_secs": [-1.0],
    "knn_every_epochs": [-1],
    "train_summary_steps": [-1],
    "train_batch_size": [0, 1],
    "train_epochs": [0],
    "eval_batch_size": [0],
    "checkpoint_epochs": [0],
    "keep_checkpoint_max": [0],
    "num_proj_layers": [0],
    "proj_out_dim": [0],
    "max_image_pixels": [0],
    "knn_neighbors": [0],
    "eval_label_draws": [0],
    "image_size": [0, 3],
    "momentum": [-0.1, 1.0],
    "batch_norm_decay": [-0.1, 1.0],
    "sk_ratio": [-0.1, 1.1],
    "se_ratio": [-0.1, 1.1],
    "color_jitter_strength": [-0.1, 1.3],
    "seed": [-1, 2**31],
    "fine_tune_after_block": [-2, 5, 0, 4],
    "dataset": ["", " ", "folder:"],
    "train_split": [""],
    "eval_split": [""],
    "resnet_depth": [0, 20, 51],
    "crop_min_area": [0.0, 1.1],
    "holdout_fraction": [0.0, 1.0],
    "model_dir": [None, "", "a*", "a?", "a[1]", "b]"],
    "variable_schema": ["(", "?!head"],
    "eval_label_budgets": [[], [""], ["0"], ["0%"], ["101%"], ["x"], ["-1"]],
    "probe_l2": [[0.0], [0.1, -1.0]],
    "eval_methods": [[], ["knn", "svm"]],
    "eval_baselines": [["random", "noise"]],
    "distill_temperature": [0.0],
    "distill_alpha": [-0.1, 1.1],
    "unlabelled_split": [""],
    "label_fraction": [-0.1, 1.1, 0.1],
    "labels_per_class": [-1, 4],
    "label_file": ["labels.txt"],
    "from_scratch": [True],
    "teacher": ["d"],
    "unlabelled_dataset": ["digits"],
    "num_seeds": [0],
    "label_fractions": [[], [0.0], [0.1, 1.1]],
    "curve_methods": [[], ["svm"]],
    "scratch_train_epochs": [-1],
    "scratch_learning_rate": [-0.1],
    "transfer_datasets": [[], [" "]],
    "transfer_steps": [0],
    "transfer_batch_size": [0],
    "transfer_learning_rates": [[0.0]],
    "transfer_weight_decays": [[-1.0]],
    "ft_proj_selector": [-2, 4],
}
PAIRS = [(name, value) for name, values in BAD.items() for value in values]


@pytest.mark.parametrize(("name", "value"), PAIRS)
def test_a_bad_value_is_one_line_with_field_rule_and_value(name, value):
    with pytest.raises(errors.UserError) as caught:
        Config(**{"model_dir": "d", name: value})
    message = str(caught.value)
    assert re.match(rf"{name} (must be|applies to) ", message)
    assert message.endswith(f"got {value!r}")
    assert "\n" not in message


def test_every_rule_has_a_bad_value_here():
    ruled = {rule.field for rule in validation.RULES}
    assert ruled <= set(BAD)


def test_every_number_has_a_rule():
    ruled = {r.field for r in (*validation.RULES, *cross_rules.CROSS_RULES)}
    numbers = {
        field.name
        for _, group in Config.group_fields()
        for field in group
        if field.type in (int, float)
    }
    assert numbers <= ruled


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "train"},
        {"mode": "train_then_eval"},
        {"mode": "eval"},
        {"mode": "export"},
    ],
)
def test_a_run_needs_a_directory(values):
    with pytest.raises(errors.UserError, match="_dir must be given"):
        Config(**values)


FINETUNING = {"model_dir": "d", "train_mode": "finetune"}
DISTILLING = {"model_dir": "d", "train_mode": "distill"}
CURVE = {"mode": "label_curve", "model_dir": "d", "checkpoint": "c"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "import", "checkpoint": "c"}, "model_dir must be given"),
        ({"mode": "import", "model_dir": "d"}, "checkpoint must be given"),
        ({"mode": "label_curve", "model_dir": "d"}, "checkpoint must be given"),
        ({"mode": "compare", "model_dir": "d"}, "compare_with must be given"),
        ({"mode": "plan", "num_seeds": 2}, "num_seeds must be 1 for other"),
        (
            {"mode": "eval", "checkpoint": "c", "num_seeds": 2},
            "model_dir must be given for several seeds",
        ),
        (DISTILLING, "teacher must be given for train_mode=distill"),
        (
            DISTILLING | {"teacher": "t", "fine_tune_after_block": 4},
            "fine_tune_after_block must be -1 for a student without checkpoint",
        ),
        (
            FINETUNING | {"from_scratch": True, "fine_tune_after_block": 4},
            "fine_tune_after_block must be -1 with from_scratch",
        ),
        (
            FINETUNING | {"from_scratch": True, "keep_logits_layer": True},
            "keep_logits_layer must be off with from_scratch",
        ),
        (
            {"mode": "eval", "model_dir": "d", "eval_steps": 1}
            | {"eval_protocol": "frozen"},
            "eval_steps must be 0 for eval_protocol=frozen and transfer",
        ),
        (
            CURVE | {"eval_steps": 1},
            "eval_steps must be 0 for eval_protocol=frozen and transfer and",
        ),
        (
            CURVE | {"label_fraction": 0.1},
            "label_fraction must be 0.0 for mode=label_curve",
        ),
        (
            DISTILLING | {"teacher": "t", "from_scratch": True},
            "from_scratch applies to train_mode=finetune only; got True",
        ),
        (
            FINETUNING | {"microbatch_size": 8, "train_batch_size": 64},
            "microbatch_size applies to train_mode=pretrain only; got 8",
        ),
        (
            FINETUNING | {"label_fraction": 0.1, "labels_per_class": 4},
            "label_fraction must be 0 where labels_per_class is given",
        ),
        (
            FINETUNING | {"label_fraction": 0.1, "label_file": "f"},
            "label_file must be absent where label_fraction or",
        ),
    ],
)
def test_fields_that_do_not_go_together(values, message):
    with pytest.raises(errors.UserError, match=message):
        Config(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "plan"},
        FINETUNING | {"label_file": "labels.txt"},
        FINETUNING | {"label_fraction": 0.1, "from_scratch": True},
        DISTILLING | {"teacher": "t", "unlabelled_dataset": "folder:x"},
        {"mode": "eval", "model_dir": "d", "num_seeds": 3},
        {"mode": "eval", "checkpoint": "c"},
        {"mode": "eval", "model_dir": "d"},
        {"mode": "export", "checkpoint": "c", "export_dir": "e"},
        {"mode": "export", "model_dir": "d"},
        CURVE | {"fine_tune_after_block": 4},
        CURVE | {"keep_logits_layer": True, "train_batch_size": 1},
        {"mode": "eval", "model_dir": "d", "fine_tune_after_block": 4},
        {"mode": "export", "model_dir": "d", "label_fraction": 0.1},
        {"model_dir": "gs://bucket/run"},
        {"model_dir": "ram://run"},
        {"model_dir": "d", "dataset": "folder:/some/where"},
        {"model_dir": "d", "color_jitter_strength": 1.25},
        {"model_dir": "d", "crop_min_area": 1.0},
        {"model_dir": "d", "eval_label_budgets": ["1", "0.5%", "100%", "all"]},
        {"model_dir": "d", "train_batch_size": 2},
        {"model_dir": "d", "train_mode": "finetune", "train_batch_size": 1},
    ],
)
def test_good_configurations(values):
    Config(**values)


@pytest.mark.parametrize("block", range(-1, 5))
def test_fine_tuning_may_start_after_any_block(block):
    Config(model_dir="d", train_mode="finetune", fine_tune_after_block=block)


@pytest.mark.parametrize(
    ("mode", "layers", "selector", "good"),
    [
        ("none", 3, 0, True),
        ("none", 3, -1, True),
        ("none", 3, 1, False),
        ("linear", 3, 1, True),
        ("linear", 3, 2, False),
        ("nonlinear", 2, 2, True),
        ("nonlinear", 2, 3, False),
    ],
)
def test_the_selector_names_a_layer_there_is(mode, layers, selector, good):
    values = {
        "model_dir": "d",
        "proj_head_mode": mode,
        "num_proj_layers": layers,
        "ft_proj_selector": selector,
    }
    if good:
        assert Config(**values).ft_proj_selector == selector
        return
    with pytest.raises(errors.UserError, match="ft_proj_selector must be"):
        Config(**values)


@pytest.mark.parametrize("depth", [10, 18, 34, 50, 101, 152, 200])
def test_depths_on_offer(depth):
    assert Config(model_dir="d", resnet_depth=depth).resnet_depth == depth


def test_check_is_one_loop_over_tables_not_a_wall_of_ifs():
    assert inspect.getsource(validation.check).count("if ") <= 2
