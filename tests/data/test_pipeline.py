"""Training batches, for all three kinds of source."""

import numpy as np
import tensorflow as tf

from simclr_tf.data import pipeline, sources

SEED, SIZE = 11, 4


def marked(image, choices):
    """Crops that show which image, position and size they were made from."""
    corner = tf.cast(image[:1, :1], tf.float32) / 255  # [1, 1, 3]
    second = tf.cast(choices, tf.float32)[tf.newaxis, tf.newaxis]
    crops = tf.stack([tf.tile(c, [SIZE, SIZE, 1]) for c in (corner, second)])
    return tf.ensure_shape(crops, [2, SIZE, SIZE, 3])


def position_and_size(positions, sizes):
    sizes = tf.cast(sizes, tf.int64)
    return tf.concat([positions[:, tf.newaxis], sizes], axis=1)  # [n, 3]


CROPS = pipeline.Crops(position_and_size, marked)


def train_batches(source, count, *, start_position=0, batch_size=5, seed=SEED):
    dataset = pipeline.train_dataset(
        source,
        batch_size=batch_size,
        start_position=start_position,
        seed=seed,
        crops=CROPS,
    )
    return list(dataset.take(count).as_numpy_iterator())


def rows_of(batches):
    return {
        name: np.concatenate([batch[name] for batch in batches])
        for name in batches[0]
    }


def pixels_name(source):
    is_array = isinstance(source, sources.ArraySource)
    return "images" if is_array else "crops"


def names_of(source, rows):
    """What identifies each image, hashable: its pixels or its corner."""
    if pixels_name(source) == "images":
        return [row.tobytes() for row in rows["images"]]
    return [row[0, 0, 0].tobytes() for row in rows["crops"]]


def test_an_element_is_a_training_batch(source):
    dataset = pipeline.train_dataset(
        source, batch_size=5, start_position=0, seed=1, crops=CROPS
    )
    spec = dataset.element_spec
    name = pixels_name(source)
    assert sorted(spec) == sorted(["positions", "labels", name])
    assert spec["positions"] == tf.TensorSpec([5], tf.int64)
    assert spec["labels"] == tf.TensorSpec([5], tf.int32)
    shape = [5, 8, 8, 3] if name == "images" else [5, 2, SIZE, SIZE, 3]
    dtype = tf.uint8 if name == "images" else tf.float32
    assert spec[name] == tf.TensorSpec(shape, dtype)


def test_every_epoch_holds_every_example_once(source):
    num_examples = source.num_examples
    rows = rows_of(train_batches(source, 3 * num_examples // 5 + 1))
    np.testing.assert_array_equal(
        rows["positions"], np.arange(len(rows["positions"]))
    )
    found = names_of(source, rows)
    epochs = [
        found[epoch * num_examples : (epoch + 1) * num_examples]
        for epoch in range(3)
    ]
    assert len(set(epochs[0])) == num_examples
    assert all(set(epoch) == set(epochs[0]) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_labels_stay_with_their_images(source, image_maker):
    rows = rows_of(train_batches(source, 10))
    is_array = pixels_name(source) == "images"
    label_of = {}
    for index in range(source.num_examples):
        if is_array:
            gray = image_maker.random_image(index, 8, 8, 1)
            name = np.repeat(gray, 3, axis=-1).tobytes()
        else:
            corner = image_maker.varied_image(index)[0, 0]
            name = (corner.astype(np.float32) / 255).tobytes()
        label_of[name] = index % 3
    expected = [label_of[name] for name in names_of(source, rows)]
    np.testing.assert_array_equal(rows["labels"], expected)


def test_resuming_gives_the_tail(source):
    whole = train_batches(source, 14)  # three epochs
    for start in (4, 9):  # an epoch ends in mid-tail
        tail = train_batches(source, 14 - start, start_position=5 * start)
        for expected, found in zip(whole[start:], tail, strict=True):
            for name in expected:
                np.testing.assert_array_equal(found[name], expected[name])


def test_the_batch_size_does_not_change_the_stream(source):
    whole = rows_of(train_batches(source, 12))
    parts = rows_of(train_batches(source, 20, batch_size=3))
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_seeds_give_other_orders(source):
    first, other = (
        names_of(source, rows_of(train_batches(source, 2, seed=seed)))
        for seed in (SEED, SEED + 1)
    )
    assert first != other


def test_crops_get_the_global_position(source):
    rows = rows_of(train_batches(source, 2, start_position=100))
    if "crops" in rows:
        np.testing.assert_array_equal(
            rows["crops"][:, 1, 0, 0, 0], np.arange(100, 110)
        )


def test_boxes_are_sampled_for_the_size_of_their_image(source, image_maker):
    rows = rows_of(train_batches(source, 10))
    if "crops" not in rows:
        return
    sizes = {}
    for index in range(source.num_examples):
        image = image_maker.varied_image(index)
        corner = image[0, 0].astype(np.float32) / 255
        sizes[corner.tobytes()] = image.shape[:2]
    expected = [sizes[name] for name in names_of(source, rows)]
    np.testing.assert_array_equal(rows["crops"][:, 1, 0, 0, 1:], expected)


def test_blocks_in_which_boxes_are_sampled_do_not_show(source, monkeypatch):
    expected = rows_of(train_batches(source, 4))
    monkeypatch.setattr(pipeline, "_SAMPLE_BLOCK", 3)
    for name, column in rows_of(train_batches(source, 4)).items():
        np.testing.assert_array_equal(column, expected[name])


def test_replicas_get_slices_of_the_global_batch(source, mirrored):
    strategy = mirrored(2)

    def per_replica(_):
        return pipeline.train_dataset(
            source,
            batch_size=3,
            start_position=6,
            seed=SEED,
            crops=CROPS,
        )

    batches = iter(strategy.distribute_datasets_from_function(per_replica))
    expected = train_batches(source, 3, start_position=6, batch_size=6)
    for step in range(3):
        batch = next(batches)
        for name in expected[step]:
            parts = strategy.experimental_local_results(batch[name])
            np.testing.assert_array_equal(
                np.concatenate(parts), expected[step][name]
            )
