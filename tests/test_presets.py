"""The flag files: each is valid, documented, and says what it must."""

import pathlib

import pytest

from simclr_tf import cli
from simclr_tf.config import derived, presets

ROOT = pathlib.Path(__file__).parent.parent
MIN_LINES, MAX_LINES = 10, 35  # settings of an evaluation take ten lines
NUM_EXAMPLES = {
    "cifar10": 50000,
    "digits": 1437,
    "imagenet2012": 1281167,
    "imagenet2012_subset/1pct": 12811,
    "imagenet2012_subset/10pct": 128116,
}
HEADER_WORDS = ("Table:", "Command:", "Hardware:", "Time:", "Expected:")

VALUES = {
    "quickstart": {
        "dataset": "digits",
        "mode": "train_then_eval",
        "eval_protocol": "frozen",
        "eval_label_budgets": ("1", "2", "5", "all"),
        "eval_label_draws": 20,
        "eval_baselines": ("random", "pixels"),
    },
    "cifar10_resnet18": {
        "dataset": "cifar10",
        "train_batch_size": 512,
        "train_epochs": 1000,
        "optimizer": "lars",
        "learning_rate": 1.0,
        "weight_decay": 1e-4,
        "temperature": 0.5,
        "color_jitter_strength": 0.5,
        "use_blur": False,
        "resnet_depth": 18,
    },
    "cifar10_cpu": {"dataset": "cifar10", "eval_protocol": "frozen"},
    "imagenet_resnet50": {
        "dataset": "imagenet2012",
        "train_batch_size": 4096,
        "train_epochs": 100,
        "optimizer": "lars",
        "learning_rate": 0.3,
        "learning_rate_scaling": "linear",
        "weight_decay": 1e-6,
        "temperature": 0.1,
        "warmup_epochs": 10.0,
        "resnet_depth": 50,
    },
    "cifar10_adam": {
        "resnet_depth": 18,
        "optimizer": "adam",
        "learning_rate": 3e-4,
        "train_batch_size": 256,
        "temperature": 0.5,
        "num_proj_layers": 2,
        "train_epochs": 10,
    },
    "cifar10_linear": {
        "train_mode": "finetune",
        "fine_tune_after_block": 4,
        "optimizer": "momentum",
        "learning_rate": 0.1,
        "train_epochs": 100,
        "train_batch_size": 512,
        "weight_decay": 0.0,
        "global_bn": False,
    },
    "cifar10_1pct": {"label_fraction": 0.01, "fine_tune_after_block": -1},
    "cifar10_10pct": {"label_fraction": 0.1, "fine_tune_after_block": -1},
    "cifar10_distill": {"train_mode": "distill", "width_multiplier": 0.25},
    "imagenet_linear": {
        "fine_tune_after_block": 4,
        "learning_rate": 0.1,
        "train_epochs": 90,
        "train_batch_size": 4096,
        "weight_decay": 0.0,
    },
    "imagenet_1pct": {
        "dataset": "imagenet2012_subset/1pct",
        "ft_proj_selector": 1,
        "optimizer": "lars",
        "learning_rate": 0.005,
        "learning_rate_scaling": "sqrt",
        "train_epochs": 60,
        "train_batch_size": 1024,
    },
    "imagenet_10pct": {
        "dataset": "imagenet2012_subset/10pct",
        "ft_proj_selector": 1,
        "train_epochs": 30,
    },
    "small_batch": {
        "learning_rate": 0.2,
        "learning_rate_scaling": "sqrt",
        "temperature": 0.2,
        "num_proj_layers": 2,
        "proj_out_dim": 64,
    },
}

GIVEN = {"cifar10_distill": ["--teacher=t"]}
"""What a preset leaves to the command line, beside model_dir."""


def text_of(name):
    return (ROOT / "flags" / f"{name}.flags").read_text("utf-8")


def test_the_package_carries_the_flag_files_of_the_clone():
    on_disk = {path.stem for path in (ROOT / "flags").glob("*.flags")}
    assert set(presets.names()) == on_disk == set(VALUES)


@pytest.mark.parametrize("name", presets.names())
def test_each_preset_is_a_valid_configuration(name):
    config = cli.parse(
        [f"--preset={name}", "--model_dir=d", *GIVEN.get(name, [])]
    )
    assert config.preset == name
    for field, value in VALUES[name].items():
        assert getattr(config, field) == value, field


@pytest.mark.parametrize("name", presets.names())
def test_as_a_flag_file_it_means_the_same(name):
    path = ROOT / "flags" / f"{name}.flags"
    rest = ["--model_dir=d", *GIVEN.get(name, [])]
    by_file = cli.parse([f"--flagfile={path}", *rest])
    by_name = cli.parse([f"--preset={name}", *rest])
    assert by_file.replace(preset=name) == by_name


@pytest.mark.parametrize("name", presets.names())
def test_explicit_flags_win_over_a_preset_in_any_order(name):
    preset = f"--preset={name}"
    own = ["--temperature=0.33", "--model_dir=x", *GIVEN.get(name, [])]
    for order in ([preset, *own], [*own, preset]):
        config = cli.parse(order)
        assert config.temperature == 0.33
        assert config.model_dir == "x"


def test_separate_words_work_too():
    config = cli.parse(["--seed", "3", "--preset", "quickstart"])
    assert (config.dataset, config.seed) == ("digits", 3)


def test_quickstart_needs_nothing_else():
    assert cli.parse(["--preset=quickstart"]).model_dir == "runs/quickstart"


@pytest.mark.parametrize("name", presets.names())
def test_warm_up_is_shorter_than_training(name):
    config = cli.parse(
        [f"--preset={name}", "--model_dir=d", *GIVEN.get(name, [])]
    )
    examples = NUM_EXAMPLES[config.dataset]
    warm_up = derived.warmup_steps(config, examples)
    assert warm_up < derived.train_steps(config, examples)


@pytest.mark.parametrize("name", presets.names())
def test_the_header_says_what_to_expect(name):
    text = text_of(name)
    header = [line for line in text.splitlines() if line.startswith("#")]
    for word in HEADER_WORDS:
        assert any(word in line for line in header), word
    assert "not measured" in text or "measured 20" in text.lower()
    assert MIN_LINES <= len(text.splitlines()) <= MAX_LINES
    assert all(len(line) <= 80 for line in text.splitlines())
