"""Evaluation batches, for all three kinds of source."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.augment import views
from simclr_tf.data import catalog, images, pipeline

SIZE = 4
# Single images go through the resize kernel, batches through two products.
RESIZE_TOLERANCE = 1e-5


def rows_of(batches):
    return {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
    }


def eval_batches(source, **options):
    dataset = pipeline.eval_dataset(source, image_size=SIZE, **options)
    return list(dataset.as_numpy_iterator())


def test_evaluation_sees_each_image_once_in_order(source, image_maker):
    batches = eval_batches(source, batch_size=6)
    rows = rows_of(batches)
    assert len(batches) == 4
    assert all(batch["images"].shape == (6, SIZE, SIZE, 3) for batch in batches)
    real = rows["mask"] == 1
    assert real.sum() == source.num_examples
    assert np.all(rows["images"][~real] == 0)
    assert real[: source.num_examples].all()
    labels = rows["labels"][real]
    assert rows["labels"].dtype == np.int32
    if source.labels is None:
        np.testing.assert_array_equal(labels, np.arange(len(labels)) % 3)
    else:
        np.testing.assert_array_equal(labels, source.labels)
    assert rows["images"].min() >= 0
    assert rows["images"].max() <= 1


def test_evaluation_follows_the_eval_recipe(source):
    if source.encoded() is None:
        pictures = list(source.images)
    else:
        pictures = [
            images.decode_image(content) for content in source.encoded()
        ]
    rows = rows_of(eval_batches(source, batch_size=6))
    for picture, found in zip(pictures, rows["images"], strict=False):
        expected = views.eval_images(
            tf.constant(picture)[tf.newaxis], image_size=SIZE
        )[0]
        np.testing.assert_allclose(found, expected, atol=RESIZE_TOLERANCE)


def test_evaluation_does_not_depend_on_the_batch_size(source):
    one, many = (
        rows_of(eval_batches(source, batch_size=size)) for size in (1, 7)
    )
    count = source.num_examples
    np.testing.assert_allclose(
        one["images"], many["images"][:count], atol=RESIZE_TOLERANCE
    )


def test_too_large_images_stop_the_pipeline(labelled_folder):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    dataset = pipeline.eval_dataset(
        source, batch_size=2, image_size=SIZE, max_image_pixels=10
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="more pixels"):
        list(itertools.islice(dataset, 1))
