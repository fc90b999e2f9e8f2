"""What `--mode=plan` says, and that it leaves nothing behind."""

import os
import re
import types

import command_line
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.commands import plan, plan_probe, plan_text
from simclr_tf.config import Config
from simclr_tf.methods import pretrain
from simclr_tf.planning import machine
from simclr_tf.setup import networks

NETWORK = {
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 0.125,
    "proj_out_dim": 8,
}


def config(**values):
    defaults = {
        "mode": "plan",
        "dataset": "digits",
        "train_batch_size": 64,
        "warmup_epochs": 1,
        "jit": "off",
    }
    return Config(**NETWORK | defaults | values)


def lines_of(text):
    """Topic -> line, as printed."""
    rows = [line.split(None, 1) for line in text.splitlines()]
    return {name: rest for name, rest in rows if name != "-"}


def parts_of(text):
    """Part of the memory -> what is said of it."""
    found = re.findall(r"^- (\w+) +(.*)$", text, re.MULTILINE)
    return dict(found)


def test_the_program_tells_all_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = (*command_line.NETWORK, "--dataset=digits", "--jit=off")
    done = command_line.run(*flags, "--mode=plan", "--train_batch_size=64")
    assert done.code == 0, done.lines
    said = lines_of(done.output)
    assert said["data"].startswith("digits train: 1437 images")
    assert "learning rate 0.075 (0.3 x 64/256)" in said["optimizer"]
    assert said["steps"].startswith("2246, warm-up 224")
    assert "GFLOPs a view" in said["work"]
    assert re.match(r"about [\d.]+ \wB at the peak; at hand", said["memory"])
    assert said["advice"].startswith("keep these settings; training takes")
    assert re.fullmatch(r"[\d.e+-]+ s, [\d,.]+ images/s", said["step"])
    assert said["run"].endswith("for 2246 steps, 100 epochs")
    assert "model_dir" not in said
    assert parts_of(done.output).keys() == {
        "weights",
        "gradients",
        "slots",
        "activations",
        "views",
        "loss",
        "runtime",
        "framework",
    }
    assert parts_of(done.output)["loss"].endswith(", dense")
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_training_on_labels_is_announced_and_timed():
    done = command_line.run(
        *command_line.TINY,
        "--mode=plan",
        "--train_mode=finetune",
        "--from_scratch",
        "--labels_per_class=3",
    )
    assert done.code == 0, done.lines
    said = lines_of(done.output)
    assert said["data"].startswith("digits train: 30 images, each labelled")
    assert said["memory"] == "not estimated for train_mode=finetune"
    assert "for 6 steps" in said["run"]


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--dataset=no_such_set", "dataset must be"),
        ("--train_batch_size=5000", "train_batch_size must be at most"),
        ("--num_replicas=3", "train_batch_size must be divisible"),
        ("--microbatch_size=5", "microbatch_size must be a divisor"),
    ],
)
def test_bad_input_is_one_line(flag, complaint):
    flags = (*command_line.NETWORK, "--dataset=digits")
    done = command_line.run(
        *flags, "--mode=plan", "--train_batch_size=64", flag
    )
    assert done.code == 1
    assert done.output == ""
    (line,) = done.lines
    assert complaint in line


def test_a_known_size_stands_in_for_a_set_that_is_not_here(tmp_path):
    recipe = pretrain.Pretraining()
    absent = config(dataset="imagenet2012", data_dir=str(tmp_path))
    found = plan.open_source(absent, recipe)
    assert (found.num_examples, found.num_classes) == (1_281_167, 1000)
    said = plan_text.told({"data": "x", "model_dir": None}, found, absent)
    assert said == {"data": "x (published size: the set is not here)"}
    with pytest.raises(errors.UserError):
        plan.open_source(absent.replace(train_split="train[:10%]"), recipe)
    with pytest.raises(errors.UserError, match="must be prepared"):
        plan.open_source(absent.replace(dataset="cifar10"), recipe)
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def state():
    return networks.make_train_state(
        config(), num_classes=10, total_steps=9, warmup_steps=1
    )


def test_the_shape_is_that_of_the_state(state):
    shape = plan.shape_of(config(), state)
    assert shape.parameters == sum(
        int(tf.size(v)) for v in state.model.trainable_variables
    )
    # One velocity each, the step, and the rate where Keras keeps one.
    assert 0 < shape.slots - shape.parameters <= 2
    assert shape.width == 8
    shared = plan.shape_of(config(precision="bfloat16"), state, num_replicas=2)
    alone = plan.shape_of(config(precision="bfloat16"), state)
    assert shared.activations.kept > alone.activations.kept


def test_more_passes_are_more_work(state):
    once = plan.step_flops(config(), state.model)
    assert plan.step_flops(config(remat=True), state.model) == pytest.approx(
        once * 4 / 3
    )
    both = config(remat=True, microbatch_size=16)
    assert plan.step_flops(both, state.model) == pytest.approx(once * 5 / 3)
    load, shape = plan.load_of(both, 1), plan.shape_of(config(), state)
    said = plan_text.cost_lines(both, shape, load, 1e9)
    assert said["work"].endswith(
        "(6 x multiply-adds, microbatches and remat included)"
    )


def test_the_time_is_in_proportion():
    source = plan_text.Assumed("imagenet2012", "train", 6400, 10)
    numbers = types.SimpleNamespace(total_steps=1000)
    said = plan_text.time_lines(
        config(), source, numbers, plan_probe.Timing(images=16, secs=0.5)
    )
    assert said == {
        "step": "2 s, 32 images/s (measured on 16 images, the rest in "
        "proportion; on made-up images, reading none)",
        "epoch": "3:20",
        "run": "33:20 for 1000 steps, 10 epochs",
    }


@pytest.mark.parametrize(
    ("precision", "secs", "expected"),
    [
        ("float32", 0.5, "--precision=bfloat16 is 2 times as fast"),
        ("float32", 0.95, "keep float32"),
        ("bfloat16", 2.0, "keep bfloat16"),
    ],
)
def test_the_faster_precision_is_advised(precision, secs, expected):
    said = plan_text.precision_lines(
        config(precision=precision),
        plan_probe.Timing(images=30, secs=1.0),
        plan_probe.Timing(images=10, secs=secs / 3),
    )
    rates = {precision: "30 images/s"}
    other = plan_probe.OTHER_PRECISION[precision]
    rates[other] = f"{30 / secs:.3g} images/s"
    assert said["precisions"] == (
        f"float32 {rates['float32']}, bfloat16 {rates['bfloat16']}; {expected}"
    )


def probed(state, **values):
    options = config(**values)
    return plan.probe_config(
        options,
        plan.shape_of(options, state),
        plan.load_of(options, 1),
        flops=values.get("train_batch_size", 64)
        * plan_probe.PROBE_FLOPS["CPU"]
        / 8,
        spare=None,
    )


def test_what_is_probed_is_smaller_and_of_the_same_kind(state):
    small = config(train_batch_size=8)
    assert probed(state, train_batch_size=8) == small
    assert probed(state).train_batch_size == 8
    in_parts = probed(state, microbatch_size=16)
    assert (in_parts.train_batch_size, in_parts.microbatch_size) == (8, 4)


@pytest.mark.slow
def test_a_batch_that_does_not_fit_is_advised(monkeypatch, capsys):
    monkeypatch.setitem(plan_probe.PROBE_FLOPS, "CPU", 1.0)
    base = machine.base_bytes(1)
    # What the runtime takes in any case, and some megabytes.
    monkeypatch.setattr(machine, "base_bytes", lambda _: base)
    monkeypatch.setattr(
        machine, "memory_per_replica", lambda _: base + 350_000_000
    )
    plan.run(config(image_size=32, train_batch_size=512, seed=3))
    said = lines_of(capsys.readouterr().out)
    assert "--precision=bfloat16" in said["advice"]
    assert "measured on" in said["step"]


def test_sizes_to_read():
    assert plan_text.gigabytes(1_234_000_000) == "1.23 GB"
    assert plan_text.gigabytes(12_340_000) == "12.3 MB"
    assert plan_text.duration(3723) == "1:02:03"
    assert plan_text.duration(4.5 * 86400) == "4.5 days"


def test_a_set_that_is_not_here_has_its_published_size(
    tmp_path, monkeypatch, capsys
):
    sizes = {("imagenet2012", "train"): (640, 10)}
    monkeypatch.setattr(plan, "PUBLISHED_SIZES", sizes)
    absent = config(dataset="imagenet2012", data_dir=str(tmp_path))
    plan.run(absent.replace(mode="plan", train_split="train"))
    said = capsys.readouterr().out
    assert "imagenet2012 train: 640 images" in said
    assert "published size: the set is not here" in said
