"""Signatures that preprocess do as the evaluation does."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.data import pipeline, sources
from simclr_tf.exports import serving

SIDE = 40  # above 32 px the centre is cut out
# The same operations, in a graph that may fuse them otherwise.
TOLERANCE = 1e-6


def pictures(height, width, count=3):
    rng = np.random.default_rng(height)
    return rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def evaluated(image_size, **stored):
    """What the network sees in evaluation of `images` or of `contents`."""
    (column,) = stored.values()
    kind = sources.BytesSource if "contents" in stored else sources.ArraySource
    source = kind(num_examples=len(column), name="x", split="test", **stored)
    batches = pipeline.eval_dataset(
        source, batch_size=len(column), image_size=image_size
    )
    return next(iter(batches))["images"]


@pytest.mark.parametrize("image_size", [SIDE, 8])
@pytest.mark.parametrize("shape", [(50, 70), (8, 8), (40, 40), (13, 9)])
def test_uint8_images_of_any_size(shape, image_size):
    images = pictures(*shape)
    prepare = tf.function(
        lambda x: serving.prepare(x, image_size),
        input_signature=[serving.UINT8_IMAGES],
    )
    np.testing.assert_allclose(
        prepare(images),
        evaluated(image_size, images=images),
        atol=TOLERANCE,
    )


def test_jpeg_files_of_several_sizes():
    files = [
        tf.io.encode_jpeg(pictures(*shape, count=1)[0]).numpy()
        for shape in ((50, 70), (64, 41), (SIDE, SIDE))
    ]
    found = tf.function(lambda x: serving.decode(x, SIDE))(tf.constant(files))
    np.testing.assert_allclose(
        found, evaluated(SIDE, contents=tuple(files)), atol=TOLERANCE
    )


def test_gray_jpegs_become_rgb():
    gray = tf.io.encode_jpeg(pictures(20, 20, count=1)[0][..., :1])
    found = serving.decode(tf.stack([gray]), 8)
    assert found.shape == (1, 8, 8, 3)
    np.testing.assert_array_equal(found[..., 0], found[..., 2])


def test_the_exported_signatures(exported, model):
    loaded = tf.saved_model.load(exported)
    images = pictures(20, 30)
    expected = model(serving.prepare(images, 8)).features
    found = loaded.signatures["uint8_images"](images=tf.constant(images))
    np.testing.assert_allclose(found["default"], expected, atol=1e-5)
    files = tf.stack([tf.io.encode_png(image) for image in images])
    # Lossless, and `decode_jpeg` reads it.
    found = loaded.signatures["jpeg_bytes"](jpeg=files)
    np.testing.assert_allclose(found["default"], expected, atol=1e-5)
