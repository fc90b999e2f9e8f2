"""Labelled subsets of any source, hidden labels, and mixed splits."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import (
    catalog,
    images,
    labelled,
    pipeline,
    seeds,
    sources,
)

DOMAIN = seeds.Domain.MONITOR_SAMPLE
NUM_CLASSES = 3


def test_a_subset_is_balanced_and_seeded(source):
    draws = [
        labelled.choose(source, labels_per_class=2, seed=seed)
        for seed in (0, 0, 1)
    ]
    labels = sources.take(source, draws[0]).labels
    assert np.bincount(labels).tolist() == [2] * NUM_CLASSES
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_a_share_of_digits():
    source = catalog.open_source("digits", "train")
    part = sources.take(
        source, labelled.choose(source, label_fraction=0.1, seed=0)
    )
    counts = np.bincount(source.labels)
    expected = [round(0.1 * count) for count in counts]
    assert np.bincount(part.labels).tolist() == expected


@pytest.mark.parametrize(
    "given", [{}, {"label_fraction": 0.1, "labels_per_class": 1}]
)
def test_one_way_to_say_how_many(given):
    source = catalog.open_source("digits", "train")
    with pytest.raises(errors.UserError, match="either label_fraction or"):
        labelled.choose(source, seed=0, **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": None}, "label_fraction needs labels"),
        ({"is_multi_label": True}, "label_fraction needs one class"),
    ],
)
def test_sets_without_one_class_per_image(changes, message):
    source = catalog.open_source("digits", "train")
    source = dataclasses.replace(source, **changes)
    with pytest.raises(errors.UserError, match=message):
        labelled.choose(source, label_fraction=0.5, seed=0)


def test_hidden_labels(source):
    hidden = labelled.hide_labels(source, [1, 4])
    labels = sources.read_labels(source)
    expected = np.full_like(labels, -1)
    expected[[1, 4]] = labels[[1, 4]]
    np.testing.assert_array_equal(hidden.labels, expected)
    assert hidden.num_examples == source.num_examples


def test_a_batch_has_its_hidden_labels():
    source = catalog.open_source("digits", "train[:40]")
    hidden = labelled.hide_labels(source, [3, 7])
    batches = pipeline.train_dataset(
        hidden, batch_size=40, start_position=0, seed=0
    )
    labels = next(iter(batches))["labels"].numpy()
    assert sorted(labels) == sorted(hidden.labels)
    assert (labels >= 0).sum() == 2


def bare(count, side, seed=0):
    generator = np.random.default_rng(seed)
    return sources.ArraySource(
        name="bare",
        split="train",
        num_examples=count,
        images=generator.integers(0, 256, (count, side, side, 3), np.uint8),
    )


def test_arrays_of_one_size_stay_arrays():
    source = catalog.open_source("digits", "train[:10]")
    both = labelled.join(source, bare(4, 8))
    assert isinstance(both, sources.ArraySource)
    np.testing.assert_array_equal(both.images[:10], source.images)
    np.testing.assert_array_equal(both.images[10:], bare(4, 8).images)
    assert both.labels.tolist() == [*source.labels.tolist(), *[-1] * 4]
    assert both.num_classes == 10
    assert both.num_examples == 14
    assert both.name == "digits + bare"


def test_labels_of_the_second_are_not_used(source):
    both = labelled.join(source, source)
    num = source.num_examples
    np.testing.assert_array_equal(both.labels[num:], [-1] * num)
    np.testing.assert_array_equal(
        both.labels[:num], sources.read_labels(source)
    )


def test_two_folders_stay_files(labelled_folder):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    both = labelled.join(source, source)
    assert isinstance(both, sources.PathSource)
    assert both.paths == source.paths * 2


def test_images_of_several_kinds_become_files(source):
    more = bare(3, 6)
    both = labelled.join(source, more)
    assert isinstance(both, sources.BytesSource)
    decoded = [images.decode_image(each).numpy() for each in both.encoded()]
    assert len(decoded) == source.num_examples + 3 == both.num_examples
    np.testing.assert_array_equal(decoded[-3:], more.images)


def test_two_sets_without_labels(source):
    stripped = labelled.without_labels(source)
    assert stripped.num_classes is stripped.labels is None
    for other in (source, bare(5, 6)):
        joined = labelled.join(stripped, other)
        assert joined.num_classes is joined.labels is None
        assert joined.num_examples == (source.num_examples + other.num_examples)


def test_a_mixed_split_trains(source):
    both = labelled.join(source, bare(5, 6))
    crops = pipeline.Crops(
        lambda positions, sizes: tf.zeros_like(sizes),
        lambda image, choices: tf.zeros([1, 4, 4, 3]),
    )
    batches = pipeline.train_dataset(
        both,
        batch_size=both.num_examples,
        start_position=0,
        seed=0,
        crops=crops,
    )
    labels = next(iter(batches))["labels"].numpy()
    assert (labels == -1).sum() == 5


def partly(source):
    """The same images in memory, every other of which has a label."""
    return labelled.hide_labels(source, np.arange(0, source.num_examples, 2))


def test_labels_are_drawn_among_those_there_are(source):
    half = partly(source)
    for amount in ({"labels_per_class": 2}, {"label_fraction": 0.5}):
        drawn = labelled.choose(half, seed=0, **amount)
        assert (half.labels[drawn] >= 0).all()
        alone = labelled.only(half)
        expected = alone.labels[labelled.choose(alone, seed=0, **amount)]
        np.testing.assert_array_equal(half.labels[drawn], expected)


def test_only_the_labelled_images(source):
    half = partly(source)
    found = labelled.only(half)
    assert found.num_examples == labelled.count(half)
    np.testing.assert_array_equal(found.labels, half.labels[::2])
    assert labelled.only(found) is found
    assert labelled.count(labelled.without_labels(source)) == 0
    is_stream = isinstance(source, sources.StreamSource)
    assert labelled.count(source) == (None if is_stream else len(half.labels))


def test_several_labels_of_an_image_may_each_be_missing():
    assert labelled.indices(np.full((4, 3), -1)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("num_examples", [3, 100])
def test_a_sample_of_the_labelled_images(source, num_examples):
    found = labelled.sample(partly(source), num_examples, seed=0, domain=DOMAIN)
    expected = -(-source.num_examples // 2)
    assert found.num_examples == min(num_examples, expected)
    assert (found.labels >= 0).all()
    whole = labelled.sample(source, num_examples, seed=0, domain=DOMAIN)
    same = sources.sample(source, num_examples, seed=0, domain=DOMAIN)
    np.testing.assert_array_equal(
        sources.read_labels(whole), sources.read_labels(same)
    )
