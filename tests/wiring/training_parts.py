"""The parts of a training run, made as the command makes them, but small.

The network is the real one with a single block; everything runs eagerly. A
part is made when it is first looked at.
"""

import functools
import os
import types

import numpy as np
import pytest
import tensorflow as tf
from call_record import CallRecord

from simclr_tf import distribution
from simclr_tf.checkpoints import checkpoint
from simclr_tf.config import Config
from simclr_tf.data import catalog, digits, pipeline, sources, unreadable
from simclr_tf.evaluation import features, knn
from simclr_tf.methods import (
    announcement,
    distill,
    finetune,
    pretrain,
    seen_labels,
    teacher,
    training_run,
    untouched,
)
from simclr_tf.models import norm
from simclr_tf.setup import given_checkpoint, model_dir, networks
from simclr_tf.training import (
    batch_views,
    compilation,
    loop,
    profile,
    progress,
    steps,
    writer,
)

RECIPES = {
    "pretrain": pretrain.Pretraining,
    "finetune": finetune.Finetuning,
    "distill": distill.Distillation,
}
BASE = {
    "dataset": "digits",
    "train_split": "train[:40]",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 1 / 32,
    "num_proj_layers": 2,
    "proj_out_dim": 4,
    "train_batch_size": 8,
    "train_steps": 20,
    "warmup_epochs": 0,
    "weight_decay": 0.1,
    "learning_rate": 1.0,
    "jit": "off",
}
NUM_CLASSES = 10
NUM_STEPS = 2
WIDE_PHOTO = (12, 10)  # height and width, px


class Parts:
    """Outcomes of one configuration by name; see `outcome`."""

    def __init__(self, **values):
        """Takes fields of `Config`; nothing is made yet."""
        self.config = Config(**BASE | values)
        self._recipe = RECIPES[self.config.train_mode]()

    def outcome(self, name):
        """A value, an array, or a dict of them.

        Args:
            name: "views", "crops"; "initial.<part>", "first.<part>",
                "weights.<part>" or "statistics.<part>" of the encoder, the
                projection or the head; "network.<argument>";
                "<function>.<argument>" of a call that the command makes.
        """
        kind, _, rest = name.partition(".")
        if kind in ("views", "crops"):
            return getattr(self, kind)
        if kind in ("initial", "first", "weights", "statistics"):
            return getattr(self, kind)[rest]
        if kind == "network":
            return self.network.get(rest)
        return self.calls.get(name)

    @functools.cached_property
    def source(self):
        return self._recipe.open_source(self.config)

    @functools.cached_property
    def plan(self):
        return self._recipe.make_plan(self.config, self.source, 1)

    @functools.cached_property
    def state(self):
        return self._recipe.make_state(self.config, self.plan)

    @functools.cached_property
    def network(self):
        """Arguments of the model and, as "encoder.<argument>", its encoder."""
        found = self.state.model.get_config()
        encoder = found.pop("encoder")["config"]
        shapes = [tuple(v.shape) for v in self.state.model.weights]
        return (
            found
            | {f"encoder.{name}": value for name, value in encoder.items()}
            | {"shapes": repr(shapes)}
        )

    @functools.cached_property
    def initial(self):
        self._recipe.start(self.config, self.state)
        return values_of(self.state.model.trainable_variables)

    @functools.cached_property
    def views(self):
        """Of photographs in an array, as the network gets them."""
        views_of = self._recipe.make_views(self.config, jit=False)
        return views_of(photographs()).numpy()

    @functools.cached_property
    def crops(self):
        """Of a photograph on the host, as the device gets them."""
        crops = self._recipe.make_crops(self.config)
        positions = tf.range(4, dtype=tf.int64)
        boxes = crops.sample(positions, tf.constant([WIDE_PHOTO] * 4))
        photo = photographs()["images"][0]
        return np.stack([crops.apply(photo, box) for box in boxes])

    def step(self, labels):
        """`NUM_STEPS` steps on made-up views."""
        _ = self.initial
        size, rows = self.config.image_size, len(labels)
        shape = [2, rows, size, size, 3]
        pair = tf.random.stateless_uniform(shape, [0, 1])
        is_pair = self.config.train_mode == "pretrain"
        step = self._recipe.make_step(
            self.config,
            self.state,
            both_views if is_pair else lambda batch: batch["first"],
            num_replicas=1,
        )
        labels = tf.constant(labels, tf.int32)
        for number in range(NUM_STEPS):
            step({"first": pair[0], "second": pair[1], "labels": labels})
            if number == 0:
                self._first = values_of(self.state.model.trainable_variables)

    @functools.cached_property
    def weights(self):
        """After `NUM_STEPS` steps."""
        self.step(np.arange(self.config.train_batch_size) % NUM_CLASSES)
        return values_of(self.state.model.trainable_variables)

    @property
    def first(self):
        """After one step: no part has yet been moved by another's change."""
        _ = self.weights
        return self._first

    @functools.cached_property
    def statistics(self):
        """Of batch norm after `NUM_STEPS` steps."""
        _ = self.weights
        return values_of(norm.statistics_of(self.state.model))

    @functools.cached_property
    def calls(self):
        """What the command passes on, everything slow left out."""
        with pytest.MonkeyPatch.context() as patch:
            record = CallRecord(patch)
            _stub_setup(record, plain_state())
            _stub_loop(record)
            _watch_data(record)
            training_run.run(self.config, RECIPES[self.config.train_mode]())
            return dict(record.calls)


@functools.cache
def plain_state():
    """A `TrainState` to stand for any."""
    config = Config(**BASE, model_dir="d")
    return networks.make_train_state(
        config, num_classes=NUM_CLASSES, total_steps=20, warmup_steps=0
    )


def both_views(batch):
    """View 1 above view 2."""
    return tf.concat([batch["first"], batch["second"]], axis=0)


def photographs():
    """A batch of two images of more than one view's size."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, *WIDE_PHOTO, 3))
    return {
        "positions": tf.range(2, dtype=tf.int64),
        "images": tf.constant(pixels, tf.uint8),
    }


def values_of(variables):
    """dict of part of the model -> dict of path -> array."""
    found = {"encoder": {}, "projection": {}, "head": {}}
    names = {
        "resnet": "encoder",
        "projection_head": "projection",
        "supervised_head": "head",
    }
    for variable in variables:
        part = next(names[n] for n in variable.path.split("/") if n in names)
        found[part][variable.path] = np.array(variable)
    return found


def save(parts, directory):
    """Writes a run of `parts`; returns its directory."""
    facts = {"num_classes": NUM_CLASSES, "train_steps": 7}
    config = parts.config.replace(model_dir=str(directory))
    model_dir.open_run(config, facts)
    checkpoint.Checkpoints(str(directory), parts.state).save(7)
    return str(directory)


class _Checkpoints:
    def restore_latest(self):
        return None

    def save(self, step=None):
        del step


class _Nothing:
    """Stands for a writer, a progress bar, and a call under a profiler."""

    seconds = 0.0

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def _stub_setup(record, state):
    """Nothing is built, and no weight is read."""
    strategy = tf.distribute.get_strategy()
    record.replace(distribution, "make_strategy", strategy)
    record.replace(networks, "make_train_state", state)
    record.replace(teacher, "make_model", lambda *_: state.model)
    record.replace(
        given_checkpoint, "adopt_architecture", lambda config: config
    )
    record.replace(given_checkpoint, "warm_start")
    record.replace(given_checkpoint, "zero_head")
    record.replace(
        model_dir,
        "check_free",
        lambda config, facts: record.note(
            "check_free", accepts_change=config.accept_data_change
        ),
    )
    recalled = model_dir.read_run
    record.replace(
        model_dir,
        "read_run",
        lambda path: recalled(path) if os.path.isabs(path) else None,
    )
    record.replace(
        model_dir,
        "open_run",
        lambda config, facts, step: record.note(
            "open_run", path=config.model_dir, facts=facts
        ),
    )
    record.replace(announcement, "show")
    record.replace(seen_labels, "write", positional=(None, "labels"))
    record.replace(untouched.Untouched, "keep")


def _stub_loop(record):
    """No step is made; every event happens once."""

    def train(state, *, events, report, **kwargs):
        report(1, 1, {})
        record.note("train", every=[event.every_steps for event in events])
        for event in events:
            event.action(1)
        return kwargs["total_steps"]

    def few_features(_, batches):
        next(iter(batches))
        values = np.random.default_rng(0).normal(size=(40, 3))
        return features.Features(values, np.arange(40) % NUM_CLASSES)

    shown = _Nothing()
    shown.is_due = lambda step, secs: record.note("is_due", secs=secs)
    record.replace(
        checkpoint,
        "Checkpoints",
        lambda *_, **__: _Checkpoints(),
        positional=("path",),
    )
    record.replace(
        writer,
        "MetricsWriter",
        lambda *_, **__: _Nothing(),
        positional=("path",),
    )
    record.replace(progress, "Progress", lambda **_: shown)
    record.replace(training_run, "write_sample_views")
    record.replace(training_run, "tell_what_was_learned")
    record.replace(loop, "train", train)
    record.replace(loop, "make_train_call", types.SimpleNamespace())
    record.replace(profile, "ProfiledCall", lambda *_, **__: _Nothing())
    record.replace(features, "extract", few_features)
    record.replace(knn, "accuracy", 0.5)


def _watch_data(record):
    """What opens, orders, crops and compiles."""
    record.replace(
        catalog,
        "open_source",
        lambda _, split, **__: digits.open_digits(split),
        positional=("dataset", "split"),
    )
    record.watch(steps, "PretrainStep")
    record.watch(sources, "cached", positional=("source",))
    record.watch(sources, "sample", positional=(None, "size"))
    record.watch(unreadable, "named")
    record.replace(
        pipeline, "train_dataset", lambda *_, **__: tf.data.Dataset.range(1)
    )
    record.watch(pipeline, "eval_dataset")
    record.watch(compilation, "choose", positional=("jit",))
    record.watch(compilation, "compiled")
    for name in (
        "make_two_views",
        "make_one_view",
        "make_host_crops",
        "make_host_crop",
    ):
        record.watch(batch_views, name)
