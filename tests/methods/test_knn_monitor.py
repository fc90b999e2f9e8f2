"""kNN while pretraining: when, and on which images."""

import typing

import tensorflow as tf

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.evaluation import features
from simclr_tf.methods import knn_monitor

PIXELS_AT_LEAST = 0.9
"""Raw digits are told apart by 5 neighbours at about 0.97."""


def config(**values):
    return Config(
        dataset="digits",
        model_dir="d",
        image_size=8,
        train_batch_size=64,
        knn_neighbors=5,
        **values,
    )


class Outputs(typing.NamedTuple):
    features: tf.Tensor


def flatten(images, training):
    """A model whose features are the pixels."""
    assert not training
    return Outputs(tf.reshape(images, [tf.shape(images)[0], -1]))


def test_off_by_default():
    assert knn_monitor.events(config(), None, None, None) == []


def test_epochs_become_steps():
    source = digits.open_digits("train")
    (event,) = knn_monitor.events(
        config(knn_every_epochs=3), source, flatten, None
    )
    assert event.every_steps == 3 * round(1437 / 64)


def test_raw_digits_score_as_they_should():
    source = digits.open_digits("train")
    pixels = source.images.reshape(len(source.images), -1).astype("float32")
    found = features.Features(pixels, source.labels)
    accuracy = knn_monitor.held_out_accuracy(config(), source, found)
    assert PIXELS_AT_LEAST < accuracy <= 1


def test_only_a_part_of_a_large_set_is_looked_at(monkeypatch):
    looked_at = []

    def accuracy(_, source, found):
        looked_at.append(source)
        assert len(found.values) == 300
        return 0.5

    class Metrics:
        def scalars(self, step, values):
            assert values["knn/held_out_accuracy"] == 0.5
            assert 1 < values["features/effective_rank"] < 64

    monkeypatch.setattr(knn_monitor, "MAX_IMAGES", 300)
    monkeypatch.setattr(knn_monitor, "held_out_accuracy", accuracy)
    source = digits.open_digits("train")
    (event,) = knn_monitor.events(
        config(knn_every_epochs=1), source, flatten, Metrics()
    )
    event.action(1)
    event.action(2)
    first, second = looked_at
    assert first is second
    assert first.num_examples == 300
    assert set(first.labels) == set(range(10))
