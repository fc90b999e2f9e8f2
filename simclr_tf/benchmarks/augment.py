"""Both views of small images held in memory: batched against one by one.

    python -m simclr_tf.benchmarks.augment --image_size=32

`official` makes views image by image in tf.data, in the official order of work
(see official_order.py); `graph` and `jit` are what a run does without and with
XLA: whole batches, inside the step. The recipe is that of CIFAR-10.
"""

import functools

import numpy as np
import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.benchmarks import (
    budget,
    measurement,
    official_order,
    throughput,
)
from simclr_tf.data import pipeline, sources
from simclr_tf.training import batch_views

RECIPE = {
    "strength": 0.5,
    "jitter_impl": "v2",
    "crop_area": views.CROP_AREA,
    "blur_prob": 0.0,
}
SEED = 0
NUM_IMAGES = 2048


def main(arguments=None):
    """Measures every way of making views; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--batch_size", type=int, default=256)
    parser.add_argument("--num_batches", type=int, default=20, help="timed")
    options = parser.parse_args(arguments)
    rates = throughput.interleaved_rates(
        make_streams(options.image_size, options.batch_size),
        budget.Budget(options),
        num_batches=options.num_batches,
        batch_size=options.batch_size,
    )
    throughput.report(
        "augment",
        rates,
        baselines=("official",),
        case={
            "image_size": options.image_size,
            "batch_size": options.batch_size,
        },
        output=options.output,
    )


def make_streams(image_size, batch_size):
    """dict of kind -> function that opens an endless stream of batches."""
    source = random_source(image_size)
    # Compiled once, whatever the number of measurements.
    finish = {
        jit: batch_views.make_two_views(
            seed=SEED, image_size=image_size, recipe=RECIPE, jit=jit
        )
        for jit in (False, True)
    }
    return {
        "official": functools.partial(official, source, batch_size),
        "graph": functools.partial(ours, source, batch_size, finish[False]),
        "jit": functools.partial(ours, source, batch_size, finish[True]),
    }


def random_source(image_size):
    """An `ArraySource` of noise."""
    generator = np.random.default_rng(SEED)
    shape = (NUM_IMAGES, image_size, image_size, 3)
    return sources.ArraySource(
        name="noise",
        split="train",
        num_examples=NUM_IMAGES,
        images=generator.integers(0, 256, shape, np.uint8),
    )


def official(source, batch_size):
    """Two views in the official order of work."""

    def make(position, image):
        return official_order.two_views(
            image,
            position,
            image_size=source.images.shape[1],
            strength=RECIPE["strength"],
        )

    images = tf.data.Dataset.from_tensor_slices(source.images).repeat()
    made = images.enumerate().map(make, num_parallel_calls=tf.data.AUTOTUNE)
    return made.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def ours(source, batch_size, finish):
    """The views of a pretraining run, one batch after the other."""
    batches = pipeline.train_dataset(
        source, batch_size=batch_size, start_position=0, seed=SEED
    )
    for batch in batches:
        yield finish(batch)[0, 0, 0, 0].numpy()  # waits for it


if __name__ == "__main__":
    main()
