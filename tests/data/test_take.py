"""The examples of a split that are asked for."""

import dataclasses
import os

import numpy as np
import pytest

from simclr_tf.data import catalog, images, sources

KEPT = [17, 2, 5]


def files_of(source):
    """Pixels of all images, in order."""
    if isinstance(source, sources.ArraySource):
        return list(source.images)
    return [
        images.decode_image(encoded).numpy() for encoded in source.encoded()
    ]


def test_images_labels_and_order(source):
    whole, part = files_of(source), sources.take(source, KEPT)
    labels = sources.read_labels(source)
    assert part.num_examples == len(KEPT)
    np.testing.assert_array_equal(part.labels, labels[sorted(KEPT)])
    for found, index in zip(files_of(part), sorted(KEPT), strict=True):
        np.testing.assert_array_equal(found, whole[index])
    for name in ("name", "split", "num_classes", "class_names"):
        assert getattr(part, name) == getattr(source, name)


def test_only_a_stream_changes_its_kind(source):
    kind = type(sources.take(source, KEPT))
    is_stream = isinstance(source, sources.StreamSource)
    assert kind is (sources.BytesSource if is_stream else type(source))


def test_a_part_of_a_part(source):
    part = sources.take(sources.take(source, KEPT), [0, 2])
    np.testing.assert_array_equal(
        part.labels, sources.read_labels(source)[[2, 17]]
    )


@pytest.mark.parametrize("indices", [[], [1, 1], [-1], [23]])
def test_indices_that_do_not_fit(source, indices):
    with pytest.raises(ValueError, match="indices must"):
        sources.take(source, indices)


def test_names_stay_with_their_images(labelled_folder):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    names = ("ant/0.png", "ant/3.png", "bee/nested/5.png")
    assert tuple(source.example_names()[i] for i in (0, 3, 5)) == names
    for whole in (source, sources.cached(source)):
        assert sources.take(whole, [5, 3, 0]).example_names() == names


def test_names_tell_the_splits_of_a_folder_apart(tmp_path, image_maker):
    for split in ("train", "test"):
        image_maker.write(
            os.path.join(tmp_path, split, "ant", "0.png"),
            image_maker.encode(image_maker.random_image(0)),
        )
    source = catalog.open_source(f"folder:{tmp_path}", "train+test")
    assert source.example_names() == ("train/ant/0.png", "test/ant/0.png")


def test_a_source_may_have_no_names():
    source = sources.ArraySource(
        name="set",
        split="train",
        num_examples=2,
        images=np.zeros((2, 4, 4, 3), np.uint8),
    )
    assert source.example_names() is None
    named = dataclasses.replace(source, read_names=lambda: ("a", "b"))
    assert sources.take(named, [1]).example_names() == ("b",)
    assert sources.take(source, [1]).example_names() is None
