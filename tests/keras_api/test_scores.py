"""Features and what they are worth, by plain functions."""

import digits_run
import keras
import numpy as np
import pytest
import tensorflow as tf

import simclr_tf
from simclr_tf.evaluation import features, knn

CLUSTERS, SIDE = 3, 4


def clusters(num, seed):
    """Images (uint8) of one colour each, which is the label, and noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(num) % CLUSTERS
    images = generator.integers(0, 40, (num, SIDE, SIDE, CLUSTERS))
    images[np.arange(num), :, :, labels] += 150
    return images.astype(np.uint8), labels


TRAIN, TEST = clusters(90, 0), clusters(30, 1)


def mean_color(images):
    return tf.reduce_mean(images, axis=(1, 2))


def test_an_encoder_may_be_a_function_a_model_or_give_maps():
    expected = TEST[0].mean(axis=(1, 2)) / 255
    pooled = keras.Sequential([keras.layers.GlobalAveragePooling2D()])
    for encoder in (mean_color, pooled, lambda images: images):
        found = simclr_tf.embed(encoder, TEST[0], batch_size=16)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_features_of_simclr_come_before_its_head():
    model = digits_run.small_model()
    source = simclr_tf.open_dataset("digits", "test[:20]")
    found = simclr_tf.embed(model, source)
    predicted = model.predict(source.images, verbose=0)["features"]
    np.testing.assert_allclose(found, predicted, rtol=1e-4, atol=1e-5)


def test_images_can_be_brought_to_another_size():
    shapes = []

    def encoder(images):
        shapes.append(tuple(images.shape[1:]))
        return mean_color(images)

    simclr_tf.embed(encoder, np.zeros([2, 5, 7, 3], np.uint8), image_size=6)
    assert set(shapes) == {(6, 6, 3)}
    with pytest.raises(simclr_tf.UserError, match="image_size must be given"):
        simclr_tf.embed(encoder, np.zeros([2, 5, 7, 3], np.uint8))


def test_the_vote_of_neighbours():
    found = simclr_tf.knn_accuracy(
        mean_color, TRAIN, TEST, neighbors=5, temperature=0.2
    )
    bank, queries = features.standardize(
        *(
            features.Features(
                (images.mean(axis=(1, 2)) / 255).astype(np.float32), labels
            )
            for images, labels in (TRAIN, TEST)
        )
    )
    assert found == knn.accuracy(
        bank, queries, num_classes=CLUSTERS, neighbors=5, temperature=0.2
    )
    assert found == 1.0


def test_images_without_label_neither_vote_nor_count():
    images, labels = TRAIN
    wrong = np.where(np.arange(90) < 45, -1, labels)
    assert simclr_tf.knn_accuracy(mean_color, (images, wrong), TEST) == 1.0


def test_a_linear_probe_is_of_the_features_as_they_come():
    probe = simclr_tf.linear_probe(mean_color, TRAIN, TEST)
    assert probe.accuracy == 1.0
    assert probe.l2 > 0
    embedded = simclr_tf.embed(mean_color, TEST[0])
    np.testing.assert_array_equal(probe.classifier.predict(embedded), TEST[1])


def test_few_labels():
    found = simclr_tf.few_label_accuracy(
        mean_color, TRAIN, TEST, labels_per_class=(1, 3), num_draws=4
    )
    assert list(found) == [1, 3]
    assert all(each.shape == (4,) for each in found.values())
    assert found[3].mean() > 0.9


@pytest.mark.usefixtures("eager")
def test_the_callback_writes_into_the_logs():
    model = digits_run.small_model()
    callback = simclr_tf.KNNCallback(TRAIN, TEST, every_epochs=2, neighbors=5)
    history = model.fit(
        TRAIN[0], batch_size=30, epochs=4, verbose=0, callbacks=[callback]
    )
    assert len(history.history["knn_accuracy"]) == 2
    last = simclr_tf.knn_accuracy(model, TRAIN, TEST, neighbors=5)
    assert history.history["knn_accuracy"][-1] == pytest.approx(last)
    with pytest.raises(simclr_tf.UserError, match="every_epochs"):
        simclr_tf.KNNCallback(TRAIN, TEST, every_epochs=0)


@pytest.mark.parametrize("data", [TRAIN[0], (TRAIN[0],), "digits"])
def test_data_is_images_with_labels(data):
    with pytest.raises(simclr_tf.UserError, match="data must be"):
        simclr_tf.knn_accuracy(mean_color, data, TEST)
