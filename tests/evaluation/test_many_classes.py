"""As many classes as ImageNet-21k has, in little memory."""

import contextlib
import tracemalloc

import numpy as np
import tensorflow as tf

from simclr_tf.evaluation import (
    features,
    least_squares,
    metrics,
    per_class,
    predictions,
)
from simclr_tf.viz import class_table
from simclr_tf.viz import confusion as plot

NUM_CLASSES = 21_843
NUM_IMAGES = 5_000
LIMIT = 200e6
"""Bytes. A dense matrix [K, K] of int64 takes 3.8e9."""


@contextlib.contextmanager
def memory_limit():
    """Fails if more than `LIMIT` bytes are allocated at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < LIMIT
    finally:
        tracemalloc.stop()


def labels_and_predicted():
    """Half of the predictions are right; class 7 is often taken for 20000."""
    generator = np.random.default_rng(0)
    labels, other = generator.integers(0, NUM_CLASSES, (2, NUM_IMAGES))
    predicted = np.where(np.arange(NUM_IMAGES) % 2 == 0, labels, other)
    labels[:40], predicted[:40] = 7, 20_000
    return labels, predicted


def test_confusion_table_and_picture():
    labels, predicted = labels_and_predicted()
    path = "ram://many_classes/confusion.png"
    names = [f"class {number}" for number in range(NUM_CLASSES)]
    with memory_limit():
        confusion = metrics.confusion_matrix(
            predicted, labels, num_classes=NUM_CLASSES
        )
        by_class = metrics.per_class_accuracy(confusion)
        scores = per_class.scores(confusion, class_names=names)
        text = class_table.render_csv(scores)
        plot.save_plot(path, confusion, class_names=names, footer="")
        (worst,) = per_class.worst_pairs(confusion, most=1)
    assert confusion.sum() == NUM_IMAGES
    assert worst == (7, 20_000, 40)
    assert (scores[7].taken_for, scores[7].num_taken) == (names[20_000], 40)
    assert text.count("\n") == NUM_CLASSES + 1
    seen = np.unique(labels)
    recalls = [(predicted[labels == c] == c).mean() for c in seen[:50]]
    np.testing.assert_allclose(by_class[seen[:50]], recalls)
    assert np.isnan(by_class).sum() == NUM_CLASSES - len(seen)
    assert tf.io.gfile.stat(path).length > 5000


def test_predictions_of_a_batch():
    labels = np.arange(64) * 300
    logits = np.zeros((64, NUM_CLASSES), np.float32)
    logits[np.arange(64), labels] = 1
    with memory_limit():
        found = predictions.from_logits(logits, labels)
        assert metrics.mean_per_class_accuracy(logits, labels) == 1
    assert found.correct.all()
    assert found.top_classes.shape == (64, 5)


def test_least_squares_makes_no_matrix_of_classes():
    labels = np.arange(64) * 300
    values = np.random.default_rng(0).normal(size=(64, 4))
    train = features.Features(values.astype(np.float32), labels)
    with memory_limit():
        (found,) = least_squares.path(train, [1.0], num_classes=NUM_CLASSES)
        outputs = np.zeros((64, NUM_CLASSES), np.float32)
        likelihoods = least_squares.log_likelihoods(outputs, labels)
    assert found[0] == 1.0
    np.testing.assert_array_equal(likelihoods, -0.5)
