"""The embedded digits."""

import hashlib

import numpy as np
import pytest
from sklearn import datasets

from simclr_tf import errors
from simclr_tf.data import catalog

# The split is fixed: results would not compare across versions otherwise.
TEST_SPLIT_SHA256 = (
    "ec8f06e970480388f60399aa8b50c00d4e1a418ebe13fb6ab9875dc0af7bbc18"
)


@pytest.fixture(scope="module")
def train():
    return catalog.open_source("digits", "train")


@pytest.fixture(scope="module")
def test():
    return catalog.open_source("digits", "test")


def test_description(train):
    assert (train.name, train.split) == ("digits", "train")
    assert train.num_classes == 10
    assert train.class_names == tuple("0123456789")
    assert train.encoded() is None


def test_sizes_and_types(train, test):
    for source, size in ((train, 1437), (test, 360)):
        assert source.num_examples == size
        assert source.images.shape == (size, 8, 8, 3)
        assert source.images.dtype == np.uint8
        assert source.labels.shape == (size,)
        assert source.labels.dtype == np.int32


def test_split_is_stratified_and_complete(train, test):
    scans = datasets.load_digits()
    share = np.bincount(test.labels) / np.bincount(scans.target)
    np.testing.assert_allclose(share, 0.2, atol=0.005)  # one of 178
    both = np.concatenate([train.images, test.images])[..., 0]
    ink = np.round(scans.images * 255 / 16).astype(np.uint8)
    ink, both = (
        sorted(image.tobytes() for image in part) for part in (ink, both)
    )
    assert ink == both


def test_pixels_are_scans_in_rgb(test):
    assert test.images.min() == 0
    assert test.images.max() == 255
    for channel in (1, 2):
        np.testing.assert_array_equal(
            test.images[..., 0], test.images[..., channel]
        )


def test_split_is_fixed(test):
    found = hashlib.sha256(test.images.tobytes() + test.labels.tobytes())
    assert found.hexdigest() == TEST_SPLIT_SHA256


def test_slices(train):
    kept = catalog.open_source("digits", "train[:90%]")
    held = catalog.open_source("digits", "train[90%:]")
    assert kept.num_examples + held.num_examples == train.num_examples
    assert np.all(np.bincount(held.labels, minlength=10) > 3)


def test_joined_parts():
    joined = catalog.open_source("digits", "train+test")
    assert joined.num_examples == 1797


def test_another_split_is_refused():
    with pytest.raises(errors.UserError, match=r"train, test .*'validation'"):
        catalog.open_source("digits", "validation")
