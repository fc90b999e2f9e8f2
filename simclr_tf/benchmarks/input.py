"""The input of photographs: two views of each, against decoding alone.

    python -m simclr_tf.benchmarks.input --images=DIR --image_size=224

`decode_only` reads and decodes the same files on the same threads with the
defaults of `tf.io.decode_jpeg`; `official` works in the official order (see
official_order.py); `uint8` and `float` are what a run's host does without and
with --float_views; `with_device` adds what its device does, compiled. Without
--images, JPEG files of an ordinary size are made first.
"""

import functools
import os
import tempfile

import numpy as np
import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.benchmarks import (
    budget,
    measurement,
    official_order,
    throughput,
)
from simclr_tf.data import catalog, pipeline
from simclr_tf.training import batch_views

RECIPE = {
    "strength": 1.0,
    "jitter_impl": "v2",
    "crop_area": views.CROP_AREA,
    "blur_prob": views.BLUR_PROB,
}
SEED = 0
SIZES = ((375, 500), (500, 375), (333, 500), (500, 500))  # height, width, px
GRAIN_PX = 25  # of the coarse pattern in pictures made up
JPEG_QUALITY = 95
NUM_PICTURES = 64


def main(arguments=None):
    """Measures every kind of input; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--images", help="folder of JPEG files")
    parser.add_argument("--image_size", type=int, default=224)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--num_batches", type=int, default=12, help="timed")
    options = parser.parse_args(arguments)
    if options.images:
        measure(options.images, options)
        return
    with tempfile.TemporaryDirectory() as directory:
        write_pictures(directory)
        measure(directory, options)


def measure(directory, options):
    """Reports all kinds on the pictures of one folder."""
    source = catalog.open_source(f"folder:{directory}", "train")
    streams = make_streams(source, options.image_size, options.batch_size)
    rates = throughput.interleaved_rates(
        streams,
        budget.Budget(options),
        num_batches=options.num_batches,
        batch_size=options.batch_size,
    )
    throughput.report(
        "input",
        rates,
        baselines=("decode_only", "official"),
        case={
            "files": source.num_examples,
            "made_up": not options.images,
            "image_size": options.image_size,
        },
        output=options.output,
    )


def make_streams(source, image_size, batch_size):
    """dict of kind -> function that opens an endless stream of batches."""
    rest = {"image_size": image_size, "batch_size": batch_size}
    return {
        "decode_only": functools.partial(decoded, source, batch_size),
        "official": functools.partial(official, source, **rest),
        "uint8": functools.partial(ours, source, float_views=False, **rest),
        "float": functools.partial(ours, source, float_views=True, **rest),
        "with_device": functools.partial(with_device, source, **rest),
    }


def decoded(source, batch_size):
    """Decodes all, and passes on one number of each image."""

    def read(path):
        return tf.io.decode_jpeg(tf.io.read_file(path))[0, 0, 0]

    files = tf.data.Dataset.from_tensor_slices(list(source.paths)).repeat()
    numbers = files.map(read, num_parallel_calls=tf.data.AUTOTUNE)
    return numbers.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def official(source, *, image_size, batch_size):
    """Two views in the official order of work."""

    def make(position, path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return official_order.two_views(
            image,
            position,
            image_size=image_size,
            strength=RECIPE["strength"],
        )

    files = tf.data.Dataset.from_tensor_slices(list(source.paths)).repeat()
    made = files.enumerate().map(make, num_parallel_calls=tf.data.AUTOTUNE)
    return made.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def ours(source, *, image_size, batch_size, float_views):
    """The batches of a pretraining run, as the host makes them."""
    crops = batch_views.make_host_crops(
        seed=SEED,
        image_size=image_size,
        recipe=RECIPE,
        float_views=float_views,
    )
    return pipeline.train_dataset(
        source,
        batch_size=batch_size,
        start_position=0,
        seed=SEED,
        crops=crops,
    )


def with_device(source, *, image_size, batch_size):
    """The views of a pretraining run, one batch after the other."""
    finish = batch_views.make_two_views(
        seed=SEED, image_size=image_size, recipe=RECIPE
    )
    batches = ours(
        source, image_size=image_size, batch_size=batch_size, float_views=False
    )
    for batch in batches:
        yield finish(batch)[0, 0, 0, 0].numpy()  # waits for it


def write_pictures(directory, *, count=NUM_PICTURES, sizes=SIZES):
    """Writes JPEG files that decode about as slowly as photographs.

    Args:
        directory: where to.
        count: how many.
        sizes: (height, width) in px, taken by turns.
    """
    generator = np.random.default_rng(SEED)
    for index in range(count):
        height, width = sizes[index % len(sizes)]
        grid = (height // GRAIN_PX + 1, width // GRAIN_PX + 1, 3)
        coarse = tf.image.resize(
            generator.uniform(0, 255, grid), [height, width], method="bicubic"
        )
        fine = generator.normal(0, 8, (height, width, 3))
        pixels = np.clip(coarse + fine, 0, 255).astype(np.uint8)
        content = tf.io.encode_jpeg(pixels, quality=JPEG_QUALITY)
        tf.io.write_file(os.path.join(directory, f"{index:03}.jpg"), content)


if __name__ == "__main__":
    main()
