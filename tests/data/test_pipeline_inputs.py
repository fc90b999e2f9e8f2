"""Training batches from folders, unlabelled sets and broken files."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import catalog, pipeline, unreadable
from simclr_tf.training import batch_views

SEED, SIZE = 11, 4


def first_batches(source, count):
    dataset = pipeline.train_dataset(
        source,
        batch_size=5,
        start_position=0,
        seed=SEED,
        crops=pipeline.Crops(
            lambda positions, sizes: positions,
            lambda image, choice: tf.zeros([2, SIZE, SIZE, 3]),
        ),
    )
    return list(dataset.take(count).as_numpy_iterator())


def test_real_views_of_many_sizes(labelled_folder):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")

    crops = batch_views.make_host_crops(
        seed=SEED, image_size=SIZE, recipe={"strength": 1.0}
    )
    dataset = pipeline.train_dataset(
        source,
        batch_size=4,
        start_position=0,
        seed=SEED,
        crops=crops,
    )
    batch = next(dataset.as_numpy_iterator())
    assert batch["crops"].shape == (4, 2, SIZE, SIZE, 3)
    assert np.any(batch["crops"][:, 0] != batch["crops"][:, 1])


def test_unlabelled_sources_give_no_labels(tfds_dir, tmp_path, image_maker):
    content = image_maker.encode(image_maker.random_image(0))
    image_maker.write(str(tmp_path / "a.png"), content)
    secret = {"data_dir": tfds_dir, "download": False}
    unlabelled = (
        catalog.open_source("tiny_secret", "train", **secret),
        catalog.open_source(
            "tiny_secret", "train", memory_limit_mb=0, **secret
        ),
        catalog.open_source(f"folder:{tmp_path}", "train"),
    )
    for source in unlabelled:
        assert "labels" not in first_batches(source, 1)[0]
        dataset = pipeline.eval_dataset(source, batch_size=4, image_size=SIZE)
        assert sorted(dataset.element_spec) == ["images", "mask"]


def test_arrays_are_held_once_and_not_in_the_graph(tfds_dir):
    source = catalog.open_source("tiny_fixed", "train", data_dir=tfds_dir)
    first_batches(source, 1)
    held = source.images_tensor
    first_batches(source, 1)
    assert source.images_tensor is held
    np.testing.assert_array_equal(held.numpy(), source.images)


def test_missing_crops_are_a_programming_error(labelled_folder):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    with pytest.raises(ValueError, match="crops is needed"):
        pipeline.train_dataset(
            source, batch_size=2, start_position=0, seed=SEED
        )


def test_a_file_that_breaks_later_is_named(labelled_folder, image_maker):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    image_maker.write(source.paths[3], b"not an image any more")
    with (
        pytest.raises(errors.UserError, match=r"3\.png: not a JPEG"),
        unreadable.named(source),
    ):
        first_batches(source, 4)
