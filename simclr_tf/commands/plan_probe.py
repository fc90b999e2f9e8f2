"""Training steps, timed, on as many images as time and memory allow."""

import statistics
import time
from typing import NamedTuple

import tensorflow as tf

from simclr_tf.data import unreadable
from simclr_tf.methods import pretrain, training_run

TIMED_STEPS = 2
OTHER_PRECISION = {"float32": "bfloat16", "bfloat16": "float32"}
OTHER_SHARE = 4
"""In the other precision this part of the images: it may be much slower."""
PROBE_FLOPS = {"CPU": 1.5e12, "GPU": 2e14, "TPU": 2e14}
"""Of one step: some ten seconds on two cores, some seconds on accelerators."""


class Timing(NamedTuple):
    """What the probe found.

    Attributes:
        images: of each step.
        secs: of one step, with its input; the mean of two.
    """

    images: int
    secs: float

    def step_secs(self, batch_size):
        """Seconds of a step on more images, as if each took as long."""
        return self.secs * batch_size / self.images

    @property
    def images_per_sec(self):
        """How many images are trained on in a second."""
        return self.images / self.secs


def probe_size(batch_size, *, num_replicas, flops_per_image, fits):
    """How many images the probe takes: the batch, halved until it is small.

    Args:
        batch_size: of the configuration; a multiple of `num_replicas`.
        num_replicas: the result is a multiple of it.
        flops_per_image: of training on both views.
        fits: images -> whether memory is enough for them.

    Returns:
        At least one image for each replica, and two images in all.
    """
    most = PROBE_FLOPS[_device()] / flops_per_image
    size, least = batch_size, max(2, num_replicas)
    while size > least and (size > most or not fits(size)):
        size = max(size // 2 // num_replicas * num_replicas, least)
    return size


def time_steps(opened):
    """Runs one step for warming up, and two that count.

    Args:
        opened: a `training_run.Run`, of which the batch size is what is run;
            its source None for made-up images. The weights are moved.

    Returns:
        `Timing`.
    """
    config, source = opened.config, opened.source
    if source is None:
        batches = synthetic_batches(
            config, opened.plan.num_classes, opened.strategy
        )
    else:
        batches = training_run.make_iterator(opened)
    call, _ = training_run.make_call(opened)
    secs = []
    with unreadable.named(source, max_pixels=config.max_image_pixels):
        for _ in range(1 + TIMED_STEPS):
            started = time.perf_counter()
            metrics = call(batches, tf.constant(1))
            float(metrics["total_loss"])  # waits for the device
            secs.append(time.perf_counter() - started)
    return Timing(config.train_batch_size, statistics.mean(secs[1:]))


def time_other(opened):
    """`time_steps` in the precision that is not the configuration's.

    Args:
        opened: as `time_steps` takes it; its weights are not moved.

    Returns:
        `Timing`, of fewer images where the batch can be divided.
    """
    config = opened.config
    unit = opened.plan.num_replicas * (config.microbatch_size or 1)
    images = config.train_batch_size // OTHER_SHARE // unit * unit
    config = config.replace(
        precision=OTHER_PRECISION[config.precision],
        train_batch_size=max(images, min(2 * unit, config.train_batch_size)),
    )
    with opened.strategy.scope():
        state = opened.recipe.make_state(config, opened.plan)
    return time_steps(opened._replace(config=config, state=state))


def time_pretraining(config, plan, state, strategy):
    """`time_steps` of pretraining on made-up images.

    Args:
        config: a `Config`.
        plan: a `plan_of_run.Plan`.
        state: a `TrainState`, whose weights are moved.
        strategy: the strategy it was made under.

    Returns:
        `Timing`.
    """
    recipe = pretrain.Pretraining()
    return time_steps(
        training_run.Run(config, recipe, strategy, None, plan, state)
    )


def synthetic_batches(config, num_classes, strategy):
    """An iterator over batches of made-up images of the size of a view.

    Args:
        config: a `Config`.
        num_classes: whether labels are wanted: None for none.
        strategy: the strategy to share them out.

    Returns:
        An endless iterator of the batches of `pipeline.train_dataset`.
    """
    rows = config.train_batch_size // strategy.num_replicas_in_sync

    def batch(number):
        positions = number * rows + tf.range(rows, dtype=tf.int64)
        pixels = tf.random.stateless_uniform(
            [rows, config.image_size, config.image_size, 3],
            [config.seed, tf.cast(number, tf.int32)],
            maxval=256,
            dtype=tf.int32,
        )
        made = {"positions": positions, "images": tf.cast(pixels, tf.uint8)}
        if num_classes is not None:
            made["labels"] = tf.cast(positions % num_classes, tf.int32)
        return made

    return iter(
        strategy.distribute_datasets_from_function(
            lambda _: tf.data.Dataset.counter().map(batch).prefetch(1)
        )
    )


def _device():
    for kind in ("TPU", "GPU"):
        if tf.config.list_logical_devices(kind):
            return kind
    return "CPU"
