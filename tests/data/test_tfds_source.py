"""TFDS sets, prepared on the fly."""

import os

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import catalog, images, sources, tfds_source, unreadable

NUM_FIXED, NUM_VARIED, NUM_VARIED_TEST = 20, 23, 9
SEED = 5


@pytest.fixture
def open_tiny(tfds_dir):
    def open_tiny(name, split="train", **options):
        return catalog.open_source(
            name, split, data_dir=tfds_dir, download=False, **options
        )

    return open_tiny


def bytes_of(dataset):
    return [row["image"] for row in dataset.as_numpy_iterator()]


def test_small_images_of_one_size_are_read_into_memory(open_tiny, image_maker):
    source = open_tiny("tiny_fixed")
    assert isinstance(source, sources.ArraySource)
    assert source.images.shape == (NUM_FIXED, 8, 8, 3)
    assert source.images.dtype == np.uint8
    for index, image in enumerate(source.images):
        gray = image_maker.random_image(index, 8, 8, 1)
        np.testing.assert_array_equal(image, np.repeat(gray, 3, axis=-1))
    np.testing.assert_array_equal(source.labels, np.arange(NUM_FIXED) % 3)
    assert source.labels.dtype == np.int32
    assert source.class_names == ("ant", "bee", "cat")


def test_slices_are_those_of_tfds(open_tiny):
    whole = open_tiny("tiny_fixed")
    part = open_tiny("tiny_fixed", "train[25%:50%]")
    np.testing.assert_array_equal(part.images, whole.images[5:10])
    assert part.num_examples == 5


def test_above_the_limit_they_are_streamed(open_tiny):
    source = open_tiny("tiny_fixed", memory_limit_mb=0)
    assert isinstance(source, sources.StreamSource)
    assert source.num_examples == NUM_FIXED


def test_images_of_many_sizes_are_streamed_encoded(open_tiny, image_maker):
    source = open_tiny("tiny_varied")
    assert isinstance(source, sources.StreamSource)
    assert (source.num_examples, source.num_classes) == (NUM_VARIED, 3)
    rows = list(source.ordered().as_numpy_iterator())
    assert len(rows) == NUM_VARIED
    for index, row in enumerate(rows):
        assert sorted(row) == ["image", "label"]
        assert row["label"] == index % 3
        assert row["label"].dtype == np.int32
        np.testing.assert_array_equal(
            images.decode_image(row["image"]), image_maker.varied_image(index)
        )


def test_an_epoch_is_a_permutation_fixed_by_seed_and_epoch(open_tiny):
    source = open_tiny("tiny_varied", "train+test")
    whole = bytes_of(source.ordered())
    assert len(whole) == NUM_VARIED + NUM_VARIED_TEST
    first = bytes_of(source.stream(SEED, 0, 0))
    assert sorted(first) == sorted(whole)
    assert first != whole
    assert first == bytes_of(source.stream(SEED, 0, 0))
    assert first != bytes_of(source.stream(SEED, 1, 0))
    assert first != bytes_of(source.stream(SEED + 1, 0, 0))


@pytest.mark.parametrize("skip", [1, 22, 23])
def test_skip_leaves_the_tail(open_tiny, skip):
    source = open_tiny("tiny_varied")
    whole = bytes_of(source.stream(SEED, 3, 0))
    assert bytes_of(source.stream(SEED, 3, skip)) == whole[skip:]


def test_order_does_not_depend_on_the_global_seed(open_tiny):
    source = open_tiny("tiny_varied")
    found = []
    for global_seed in (1, 2):
        tf.random.set_seed(global_seed)
        found.append(bytes_of(source.stream(SEED, 0, 0)))
    assert found[0] == found[1]


def test_building_a_stream_leaves_the_global_seed_alone(open_tiny):
    source = open_tiny("tiny_varied")
    tf.random.set_seed(123)
    expected = tf.random.get_global_generator().algorithm
    stateful = tf.data.Dataset.range(20).shuffle(20)
    before = list(stateful.as_numpy_iterator())
    tf.random.set_seed(123)
    source.stream(SEED, 0, 0)
    stateful = tf.data.Dataset.range(20).shuffle(20)
    assert list(stateful.as_numpy_iterator()) == before
    assert tf.random.get_global_generator().algorithm == expected


def test_epoch_and_skip_may_be_tensors(open_tiny):
    source = open_tiny("tiny_varied")
    epochs = tf.data.Dataset.range(2).flat_map(
        lambda epoch: source.stream(SEED, epoch, 20 * (1 - epoch))
    )
    expected = bytes_of(source.stream(SEED, 0, 20))
    expected += bytes_of(source.stream(SEED, 1, 0))
    assert bytes_of(epochs) == expected


@pytest.mark.parametrize("limit", [0, 2048])
def test_labels_not_published_are_no_labels(open_tiny, limit):
    source = open_tiny("tiny_secret", memory_limit_mb=limit)
    assert source.num_classes is None
    assert source.class_names is None
    assert source.labels is None


def test_an_unreadable_record_is_named(open_tiny):
    source = open_tiny("tiny_varied")
    first, second, *_ = unreadable.find(source, max_pixels=50)
    assert first.index == 2
    assert second.index > 2
    assert "example 2 of tiny_varied train: more pixels" in (
        unreadable.describe(source, max_pixels=50)
    )


@pytest.mark.parametrize(
    ("split", "shown"),
    [
        ("validation", "one of train, test for .*'validation'"),
        ("train[", r"one of train, test .*'train\['"),
        ("train[:999]", "incompatible with 23"),
        ("train[50%:10%]", "at least one example"),
    ],
)
def test_bad_splits_are_refused(open_tiny, split, shown):
    with pytest.raises(errors.UserError, match=shown):
        open_tiny("tiny_varied", split)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cifar01", "'cifar01'; did you mean 'cifar10'"),
        ("digit", "did you mean 'digits'"),
        ("qqqqqq", "TFDS name; got 'qqqqqq'$"),
        ("mnist/odd", "'mnist/odd' gave: "),
        ("mnist:9.9.9", "'mnist:9.9.9' gave: .*only"),
        ("not a name", "'not a name' gave: "),
    ],
)
def test_unknown_names_are_refused_in_one_line(open_tiny, name, shown):
    with pytest.raises(errors.UserError, match=shown) as caught:
        open_tiny(name)
    assert "\n" not in str(caught.value)


def test_absent_sets_are_not_downloaded_unless_allowed(open_tiny):
    with pytest.raises(errors.UserError, match="download is off"):
        open_tiny("mnist")


def test_failed_preparation_gives_the_reason(tmp_path):
    with pytest.raises(errors.UserError, match="Manual directory") as caught:
        catalog.open_source("imagenet2012", "train", data_dir=str(tmp_path))
    assert "\n" not in str(caught.value)


def test_sets_without_images_are_refused(tmp_path):
    import tensorflow_datasets as tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name="numbers",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"value": np.int64}),
        split_datasets={"train": [(0, {"value": 1})]},
        data_dir=str(tmp_path),
    )
    with pytest.raises(errors.UserError, match="has value"):
        catalog.open_source("numbers", "train", data_dir=str(tmp_path))


def test_shuffle_mixes_beyond_blocks(open_tiny, monkeypatch):
    monkeypatch.setattr(tfds_source, "SHUFFLE_BUFFER_RECORDS", 4)
    source = open_tiny("tiny_varied")
    found = bytes_of(source.stream(SEED, 0, 0))
    assert sorted(found) == sorted(bytes_of(source.ordered()))


CIFAR = os.path.join(os.path.dirname(__file__), "../../../shared/data/tfds")


@pytest.mark.skipif(not os.path.isdir(CIFAR), reason="no CIFAR-10 here")
def test_cifar10_is_held_in_memory():
    source = catalog.open_source(
        "cifar10", "test[:500]", data_dir=CIFAR, download=False
    )
    assert source.images.shape == (500, 32, 32, 3)
    assert source.num_classes == 10
    assert len(np.unique(source.labels)) == 10


def test_a_folder_that_is_here_is_suggested(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    with pytest.raises(errors.UserError, match="did you mean 'folder:photos'"):
        catalog.open_source("photos", "train", data_dir=str(tmp_path))
