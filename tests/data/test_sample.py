"""A random part of a split."""

import dataclasses

import numpy as np
import pytest

from simclr_tf.data import seeds, sources

NUM = 30
DOMAIN = seeds.Domain.MONITOR_SAMPLE
LABELS = np.repeat([0, 1, 2], 10).astype(np.int32)  # sorted by class
COMMON = {
    "name": "set",
    "split": "train",
    "num_examples": NUM,
    "num_classes": 3,
    "labels": LABELS,
}


def array_source():
    images = np.arange(NUM, dtype=np.uint8)[:, None, None, None]
    images = np.broadcast_to(images, (NUM, 2, 2, 3))
    return sources.ArraySource(**COMMON, images=images)


def path_source():
    paths = tuple(str(index) for index in range(NUM))
    return sources.PathSource(**COMMON, paths=paths)


def bytes_source():
    contents = tuple(str(index).encode() for index in range(NUM))
    return sources.BytesSource(**COMMON, contents=contents)


def numbers(source):
    """Which examples of the whole a source holds."""
    if isinstance(source, sources.ArraySource):
        return source.images[:, 0, 0, 0].tolist()
    cells = getattr(source, "paths", None) or source.contents
    return [int(cell) for cell in cells]


@pytest.mark.parametrize("make", [array_source, path_source, bytes_source])
def test_images_and_labels_stay_together(make):
    part = sources.sample(make(), 12, seed=0, domain=DOMAIN)
    kept = numbers(part)
    assert part.num_examples == len(kept) == 12
    assert kept == sorted(set(kept))
    np.testing.assert_array_equal(part.labels, LABELS[kept])


def test_a_set_sorted_by_class_gives_all_classes():
    part = sources.sample(path_source(), 12, seed=0, domain=DOMAIN)
    assert set(part.labels) == {0, 1, 2}


def test_the_seed_decides():
    draws = [
        numbers(sources.sample(path_source(), 12, seed=seed, domain=DOMAIN))
        for seed in (0, 0, 1)
    ]
    assert draws[0] == draws[1] != draws[2]


def test_more_than_there_are_is_the_whole():
    source = path_source()
    assert sources.sample(source, NUM, seed=0, domain=DOMAIN) is source


def test_unlabelled_stays_unlabelled():
    bare = dataclasses.replace(path_source(), labels=None, num_classes=None)
    assert sources.sample(bare, 5, seed=0, domain=DOMAIN).labels is None
