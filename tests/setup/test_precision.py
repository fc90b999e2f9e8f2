"""What `--precision=auto` is, for whom, and the warning of slow bfloat16."""

import pytest
from absl import logging

from simclr_tf import distribution, files
from simclr_tf.commands import modes
from simclr_tf.config import Config
from simclr_tf.planning import bfloat16
from simclr_tf.setup import model_dir, precision

FACTS = {"num_examples": 10, "num_classes": 2, "train_steps": 5}


@pytest.fixture
def native(monkeypatch):
    """A call says whether the devices here multiply bfloat16."""

    def say(is_native):
        monkeypatch.setattr(
            distribution, "multiplies_bfloat16", lambda: is_native
        )

    say(False)
    return say


def config(path="", **values):
    named = {"dataset": "digits", "precision": "auto"}
    return Config(**named | {"model_dir": str(path) or "absent"} | values)


def open_run(path, value):
    run = config(path, precision=value)
    model_dir.open_run(run, FACTS)
    return run


@pytest.mark.parametrize(
    ("is_native", "expected"), [(True, "bfloat16"), (False, "float32")]
)
def test_a_new_run_takes_what_is_native(native, tmp_path, is_native, expected):
    native(is_native)
    assert precision.settle(config(tmp_path)).precision == expected
    assert precision.settle(config(use_tpu=True)).precision == "bfloat16"


@pytest.mark.parametrize("value", ["float32", "bfloat16"])
def test_what_is_given_stays(native, value):
    for is_native in (True, False):
        native(is_native)
        given = config(precision=value)
        assert precision.settle(given) is given


@pytest.mark.parametrize("value", ["float32", "bfloat16"])
def test_a_run_keeps_what_it_began_with(native, tmp_path, value):
    native(value == "float32")
    open_run(tmp_path / "run", value)
    again = config(tmp_path / "run")
    assert precision.settle(again).precision == value
    for mode in ("eval", "export"):
        by_checkpoint = config(
            mode=mode, model_dir=None, checkpoint=f"{tmp_path}/run"
        )
        assert precision.settle(by_checkpoint).precision == value


def test_a_run_that_starts_from_another_is_new(native, tmp_path):
    native(True)
    open_run(tmp_path / "first", "float32")
    second = config(
        tmp_path / "second",
        train_mode="finetune",
        checkpoint=f"{tmp_path}/first",
        label_fraction=0.5,
    )
    assert precision.settle(second).precision == "bfloat16"


def test_a_curve_keeps_what_it_began_with(native, tmp_path):
    native(False)
    files.write_json(
        f"{tmp_path}/{model_dir.CURVE_FILE}", {"precision": "bfloat16"}
    )
    assert precision.settle(config(tmp_path)).precision == "bfloat16"


def test_what_is_recalled_is_what_was_trained(native, tmp_path):
    native(False)
    open_run(tmp_path, "bfloat16")
    asked = precision.settle(config(tmp_path, mode="eval"))
    assert model_dir.recall_run(asked)[0].precision == "bfloat16"


def test_every_seed_is_settled_by_itself(native, tmp_path, monkeypatch):
    """One that was begun elsewhere goes on as it began."""
    native(True)
    seen = {}

    def train(config):
        seen[config.seed] = config.precision

    monkeypatch.setitem(modes._RUN, "train", train)
    open_run(tmp_path / "seed_3", "float32")
    modes.run(config(tmp_path, mode="train", seed=3, num_seeds=2))
    assert seen == {3: "float32", 4: "bfloat16"}


@pytest.fixture
def warnings(monkeypatch):
    shown = []
    monkeypatch.setattr(
        logging, "warning", lambda text, *found: shown.append(text % found)
    )
    precision._warn_once.cache_clear()
    monkeypatch.setattr(bfloat16, "relative_time", lambda: 13.6)
    return shown


@pytest.mark.parametrize(
    ("value", "is_native", "count"),
    [
        ("bfloat16", False, 1),
        ("bfloat16", True, 0),
        ("float32", False, 0),
        ("float32", True, 0),
    ],
)
def test_slow_bfloat16_is_warned_of(native, warnings, value, is_native, count):
    native(is_native)
    for _ in range(2):
        precision.warn_where_slow(config(precision=value))
    assert len(warnings) == count
    for text in warnings:
        assert "precision=bfloat16 is slow here" in text
        assert "13.6 times as long" in text


def test_the_factor_is_measured():
    assert bfloat16.relative_time.__wrapped__() > 0
