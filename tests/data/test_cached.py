"""A cached split is the same split, from memory."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.data import folder, pipeline, sources

SIDES = (9, 12, 17, 10, 11)


@pytest.fixture
def pictures(tmp_path):
    """Five PNGs of different sizes in two classes."""
    generator = np.random.default_rng(0)
    for index, side in enumerate(SIDES):
        pixels = generator.integers(0, 256, (side, side, 3)).astype(np.uint8)
        directory = tmp_path / ("cats" if index % 2 else "dogs")
        directory.mkdir(exist_ok=True)
        encoded = tf.io.encode_png(pixels).numpy()
        (directory / f"{index}.png").write_bytes(encoded)
    return tmp_path


def open_pictures(path):
    return folder.open_folder(f"folder:{path}", "train", max_image_pixels=10**6)


def crop(image, position):
    resized = tf.image.resize(image, [8, 8]) + tf.cast(position, tf.float32)
    return tf.stack([resized, resized])


CROPS = pipeline.Crops(lambda positions, sizes: positions, crop)


def train_batches(source, start=3):
    dataset = pipeline.train_dataset(
        source, batch_size=2, start_position=start, seed=1, crops=CROPS
    )
    return list(dataset.take(4).as_numpy_iterator())


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.keys() == b.keys()
        for name, value in a.items():
            np.testing.assert_array_equal(value, b[name])


def test_training_batches_are_those_of_the_files(pictures):
    source = open_pictures(pictures)
    assert_same(train_batches(sources.cached(source)), train_batches(source))


def test_evaluation_batches_are_those_of_the_files(pictures):
    source = open_pictures(pictures)
    ours, theirs = (
        list(
            pipeline.eval_dataset(
                each, batch_size=2, image_size=8
            ).as_numpy_iterator()
        )
        for each in (sources.cached(source), source)
    )
    assert_same(ours, theirs)


def test_the_files_are_read_once(pictures):
    cached = sources.cached(open_pictures(pictures))
    for path in pictures.rglob("*.png"):
        path.unlink()
    assert len(train_batches(cached)) == 4


def test_a_stream_keeps_its_labels():
    records = [{"image": b"a", "label": 1}, {"image": b"b", "label": 0}]

    def ordered():
        return tf.data.Dataset.from_tensor_slices(
            {
                "image": [record["image"] for record in records],
                "label": [record["label"] for record in records],
            }
        )

    stream = sources.StreamSource(
        name="set",
        split="train",
        num_examples=2,
        num_classes=2,
        stream=lambda seed, epoch, skip: ordered().skip(skip),
        ordered=ordered,
    )
    cached = sources.cached(stream)
    assert cached.contents == (b"a", b"b")
    assert cached.labels.tolist() == [1, 0]


def test_arrays_are_in_memory_already():
    source = sources.ArraySource(
        name="set",
        split="train",
        num_examples=1,
        images=np.zeros([1, 2, 2, 3], np.uint8),
    )
    assert sources.cached(source) is source
