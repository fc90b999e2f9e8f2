"""kNN while pretraining: when, and on which images."""

import tensorflow as tf

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.tasks.training import knn_monitor

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


def flatten(images):
    return tf.reshape(images, [len(images), -1])


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
    found = knn_monitor.held_out_accuracy(config(), source, flatten)
    assert PIXELS_AT_LEAST < found <= 1


def test_only_a_part_of_a_large_set_is_looked_at(monkeypatch):
    looked_at = []

    def accuracy(_, source, encode):
        looked_at.append(source)
        return 0.5

    class Metrics:
        def scalars(self, step, values):
            assert values == {"knn/held_out_accuracy": 0.5}

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
