"""What a run says before it starts."""

import math
import types

import pytest

from simclr_tf import cpu, distribution
from simclr_tf.config import Config
from simclr_tf.data import sources
from simclr_tf.methods import announcement, pretrain, training_run
from simclr_tf.setup import networks, plan_of_run

BATCH = 64


def announce(*, num_classes=10, replicas=1, **values):
    config = Config(
        dataset="digits",
        model_dir="runs/d",
        image_size=8,
        resnet_depth=10,
        width_multiplier=0.125,
        proj_out_dim=4,
        train_batch_size=BATCH,
        train_steps=300,
        warmup_epochs=2,
        **values,
    )
    source = sources.Source(
        name="digits", split="train", num_examples=1437, num_classes=num_classes
    )
    plan = plan_of_run.make_plan(config, source, replicas)
    model = networks.make_model(
        config, num_classes=plan.num_classes, sync_bn=False
    )
    opened = training_run.Run(
        config,
        pretrain.Pretraining(),
        types.SimpleNamespace(num_replicas_in_sync=replicas),
        source,
        plan,
        types.SimpleNamespace(model=model),
    )
    return announcement.lines(opened), model


def test_everything_the_run_will_do():
    lines, model = announce()
    assert lines["data"] == (
        "digits train: 1437 images, 10 classes, online linear probe on"
    )
    count = sum(math.prod(v.shape) for v in model.trainable_variables)
    assert "ResNet-10 width 0.125, cifar stem at 8 px" in lines["model"]
    assert f"({count:,} with heads)" in lines["model"]
    assert lines["batch"] == (
        "64 images on one device; 128 views; each against 126 negatives"
    )
    assert "LARS, peak learning rate 0.075 (0.3 x 64/256)" in lines["optimizer"]
    assert lines["steps"] == (
        "300, warm-up 44, checkpoint every 22, at least half a minute apart"
    )
    assert f"{2 * math.log(2 * BATCH - 1):.4f} = 2 log(2N-1)" in lines["loss"]
    assert lines["precision"] == "float32"
    assert lines["cpu"] == cpu.describe(cpu.record())
    assert lines["model_dir"] == "runs/d"


@pytest.mark.parametrize(
    ("device", "has_tf32", "tf32", "expected"),
    [
        ("GPU", True, True, "float32, TF32 on outside the loss"),
        ("GPU", True, False, "float32, TF32 off outside the loss"),
        ("GPU", False, True, "float32"),
        ("TPU", True, True, "float32"),
    ],
)
def test_tf32_is_named_where_there_is_such_a_gpu(
    monkeypatch, device, has_tf32, tf32, expected
):
    monkeypatch.setattr(distribution, "device_type", lambda strategy: device)
    monkeypatch.setattr(distribution, "has_tf32", lambda: has_tf32)
    assert announce(tf32=tf32)[0]["precision"] == expected


@pytest.mark.parametrize("name", ["checkpoint_steps", "checkpoint_epochs"])
def test_a_cadence_that_was_set_is_kept(name):
    lines, _ = announce(**{name: 1})
    assert "half a minute" not in lines["steps"]


def test_other_rules_and_replicas():
    lines, _ = announce(
        replicas=2, optimizer="adam", learning_rate_scaling="sqrt"
    )
    assert "Adam, peak learning rate 2.4 (0.3 x sqrt(64))" in lines["optimizer"]
    assert "on 2 replicas, SimpleNamespace;" in lines["batch"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_classes": None}, "no labels, so the online linear probe is off"),
        (
            {"lineareval_while_pretraining": False},
            "10 classes, online linear probe off",
        ),
    ],
)
def test_without_a_probe_it_says_why(options, expected):
    assert announce(**options)[0]["data"].endswith(expected)


def test_what_is_frozen_counts_as_a_parameter():
    lines, model = announce()
    model.encoder.trainable = False
    config = Config(model_dir="d", image_size=8, resnet_depth=10)
    text = announcement._model(config, model)
    assert text.partition("px, ")[2] == lines["model"].partition("px, ")[2]


def test_it_is_logged_line_by_line(monkeypatch):
    shown = []
    monkeypatch.setattr(
        announcement.logging, "info", lambda text, *a: shown.append(text % a)
    )
    monkeypatch.setattr(
        announcement, "lines", lambda *_: {"data": "x", "model_dir": "y"}
    )
    announcement.show(None)
    assert shown == ["data       x", "model_dir  y"]
