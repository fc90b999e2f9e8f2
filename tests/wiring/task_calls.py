"""What modes other than training pass on, everything slow left out.

No network is built where the outcome is its arguments, no weight is read, no
picture drawn; features are made up, and fitted as ever.
"""

import contextlib
import dataclasses
import functools
import types

import numpy as np
import pytest
import tensorflow as tf
import training_parts
from absl import logging
from call_record import CallRecord

from simclr_tf import distribution
from simclr_tf.checkpoints import checkpoint, opened
from simclr_tf.commands import modes, plan, plan_probe, transfer_finetune
from simclr_tf.commands.curve import frozen_points, trainings
from simclr_tf.config import Config
from simclr_tf.data import (
    catalog,
    digits,
    pipeline,
    sources,
    subsets,
    unreadable,
)
from simclr_tf.evaluation import cache, features, untrained
from simclr_tf.exports import directory
from simclr_tf.methods import finetune, training_run
from simclr_tf.models import simclr
from simclr_tf.planning import activations, machine
from simclr_tf.scoring import block_probes, saved_predictions
from simclr_tf.setup import given_checkpoint, model_dir, networks
from simclr_tf.viz import confusion, label_budgets, label_curve

STEP = 7
NUM_CLASSES = 10
BASE = {
    "dataset": "digits",
    "train_split": "train[:60]",
    "eval_split": "test[:30]",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 1 / 32,
    "proj_out_dim": 4,
    "weight_decay": 0.1,
    "knn_neighbors": 5,
    "probe_l2": (1.0,),
    "eval_label_draws": 2,
}


class TaskCalls:
    """Outcomes of one configuration by name; see `outcome`."""

    def __init__(self, **values):
        """Runs the mode of a `Config` of these values."""
        self.config = Config(**BASE | values)
        self.result = {}
        with pytest.MonkeyPatch.context() as patch:
            record = CallRecord(patch)
            self._stub(record)
            with contextlib.suppress(_Enough):
                self.result = modes.run_once(self.config) or {}
            self.calls = dict(record.calls)

    def outcome(self, name):
        """A value, an array, or a dict of them.

        Args:
            name: "result"; "network.<argument>" of the model; "run.<field>"
                of the configuration of trainings that are started;
                "<function>.<argument>" of a call.
        """
        kind, _, rest = name.partition(".")
        if kind == "result":
            return repr(self.result)
        if kind == "network":
            return self.network.get(rest)
        return self.calls.get(name)

    @functools.cached_property
    def network(self):
        """Arguments of the model and, as "encoder.<argument>", its encoder."""
        config, num_classes = self._made
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                simclr.SimCLR, "build_on", lambda self, *_, **__: self
            )
            made = self._honest(config, num_classes=num_classes)
        found = made.get_config()
        encoder = found.pop("encoder")["config"]
        return found | {f"encoder.{k}": v for k, v in encoder.items()}

    def _stub(self, record):
        _stub_checkpoints(record)
        _stub_data(record)
        _stub_runs(record)
        self._stub_network(record)
        for module in (confusion, label_budgets, label_curve):
            record.replace(module, "save_plot")
        record.replace(saved_predictions, "read", _predictions(record),
                       positional=("path", None))  # fmt: skip
        record.replace(directory, "replace", positional=("path",))
        record.replace(directory, "check_replaceable", positional=("path",))
        record.replace(directory, "sweep", positional=("parent",))

    def _stub_network(self, record):
        """A network is asked for, and stood for by another."""
        self._honest = networks.make_eval_model

        def make(config, *, num_classes):
            self._made = config, num_classes
            record.note("make_eval_model", image_size=config.image_size)
            stand_in = plain_model()
            stand_in.trainable = True  # a teacher is frozen
            return stand_in

        def encode(images):
            record.note("extract", images=len(images))
            return None, np.zeros([len(images), NUM_CLASSES])

        record.replace(networks, "make_eval_model", make)
        record.replace(networks, "encoder_function", lambda *_, **__: encode)
        record.replace(untrained, "prepare", lambda model, _: model)


@functools.cache
def plain_model():
    """A network to stand for any."""
    config = Config(**BASE, model_dir="d")
    return networks.make_model(config, num_classes=NUM_CLASSES, sync_bn=False)


class _Enough(Exception):
    """There is nothing left to look at."""


def _stub_checkpoints(record):
    facts = {"num_classes": NUM_CLASSES, "train_steps": STEP}
    found = types.SimpleNamespace(step=STEP, kind="made up")

    record.replace(
        model_dir,
        "open_run",
        lambda config, facts: record.note("open_run", path=config.model_dir),
    )
    record.replace(
        given_checkpoint, "recall", lambda config: (config, dict(facts))
    )
    record.replace(given_checkpoint, "adopt_architecture", lambda c, **_: c)
    record.replace(given_checkpoint, "adopt_whole_network", lambda c: c)
    record.replace(given_checkpoint, "facts_of", lambda _: dict(facts))
    record.replace(
        given_checkpoint, "load", lambda *_: found, positional=("path",)
    )
    record.replace(
        opened, "open_checkpoint", lambda *_: found, positional=("path",)
    )
    record.replace(checkpoint, "committed_steps", lambda _: [])
    record.replace(
        checkpoint, "Checkpoints",
        lambda *_, **__: types.SimpleNamespace(save=lambda step: "saved"),
        positional=("path",),
    )  # fmt: skip
    record.replace(frozen_points, "load_model", lambda config: record.note(
        "load_model", checkpoint=config.checkpoint
    ) or plain_model())  # fmt: skip


def _stub_data(record):
    record.replace(
        catalog, "open_source",
        lambda _, split, **__: digits.open_digits(split),
        positional=("dataset", "split"),
    )  # fmt: skip
    record.watch(sources, "cached", positional=("source",))
    record.replace(
        cache, "load_or_extract", lambda directory, facts, extract: extract(),
        positional=("directory", "facts", None),
    )  # fmt: skip
    record.replace(logging, "warning", positional=("text",))
    record.watch(unreadable, "named")
    record.replace(pipeline, "eval_dataset", _batches)
    scaling_of = features.scaling_of

    def noted_scaling(images):
        record.note("scaling_of", images=len(images.labels))
        return scaling_of(images)

    record.replace(features, "scaling_of", noted_scaling)
    record.watch(subsets, "hold_out", positional=(None, "fraction"))

    def made_up(names, dataset):
        labels = np.concatenate([batch["labels"] for batch in dataset])
        record.note("extract", images=len(labels))
        return {
            name: features.Features(_values(labels, place), labels)
            for place, name in enumerate(names)
        }

    record.replace(
        features, "extract_named",
        lambda _, dataset: made_up(block_probes.ENDPOINTS, dataset),
    )  # fmt: skip
    record.replace(
        features, "extract", lambda _, dataset: made_up("f", dataset)["f"]
    )


def _batches(source, *, batch_size, **_):
    """The labels in batches, their images black."""
    starts = range(0, source.num_examples, batch_size)
    parts = [source.labels[start : start + batch_size] for start in starts]
    return [
        {
            "labels": tf.constant(labels),
            "mask": tf.ones([len(labels)]),
            "images": tf.zeros([len(labels), 8, 8, 3]),
        }
        for labels in parts
    ]


def _values(labels, seed):
    """float32 [n, 10] that tell something of the labels."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), NUM_CLASSES))
    return (noise + np.eye(NUM_CLASSES)[labels]).astype(np.float32)


def _stub_runs(record):
    def note_run(config, **_):
        record.note("run", **dataclasses.asdict(config))
        return training_run.Result(stand_in.model, STEP, {})

    def note_plan(opened_run):
        record.note("timed", **dataclasses.asdict(opened_run.config))
        return plan_probe.Timing(1, 1.0)

    def make_state(config, **_):
        record.note("built", **dataclasses.asdict(config))
        return stand_in

    stand_in = training_parts.plain_state()
    strategy = tf.distribute.get_strategy()
    record.replace(networks, "make_train_state", make_state)
    record.replace(finetune, "run", note_run)
    record.replace(trainings.evaluate, "run", _scored(record))
    record.replace(transfer_finetune, "outputs_of_run", _all_right())
    record.replace(distribution, "make_strategy", strategy)
    record.replace(plan_probe, "time_steps", note_plan)
    record.replace(
        plan_probe, "time_other", lambda _: plan_probe.Timing(1, 1.0)
    )
    record.replace(machine, "memory_per_replica", lambda _: 10**15)
    record.replace(plan, "step_flops", lambda *_: 1e9)
    record.replace(
        activations, "activations_of",
        lambda *_, **__: activations.Activations(1.0, 1.0, 1.0, 1),
    )  # fmt: skip


def _all_right():
    """Outputs of a network that is right about an image of each digit."""
    return features.Features(np.eye(10, dtype=np.float32), np.arange(10))


def _scored(record):
    """The evaluation that label curves make of their runs alone."""
    honest = trainings.evaluate.run

    def run(config, *, follow=True):
        if "/seed_" not in (config.model_dir or ""):
            return honest(config, follow=follow)
        record.note("scored", **dataclasses.asdict(config))
        return {trainings.TOP_1: 0.5}

    return run


def _predictions(record):
    def read(path, field):
        record.note(field, path=path)
        if field == "compare_with":
            raise _Enough
        return None

    return read
