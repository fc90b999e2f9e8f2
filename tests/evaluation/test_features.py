import numpy as np
import tensorflow as tf

from simclr_tf.evaluation import features

RTOL = 1e-5  # float32 means over a few rows


def test_padding_rows_are_left_out_in_order():
    batches = [
        {
            "images": tf.constant([[1.0], [2.0]]),
            "labels": tf.constant([0, 1]),
            "mask": tf.constant([1.0, 1.0]),
        },
        {
            "images": tf.constant([[3.0], [9.0]]),
            "labels": tf.constant([2, 0]),
            "mask": tf.constant([1.0, 0.0]),
        },
    ]
    found = features.extract(lambda images: 10 * images, batches)
    np.testing.assert_array_equal(found.values, [[10], [20], [30]])
    np.testing.assert_array_equal(found.labels, [0, 1, 2])


def test_standardize_uses_the_training_rows_alone():
    generator = np.random.default_rng(0)
    train = features.Features(generator.normal(3, 2, (50, 4)), np.zeros(50))
    test = features.Features(generator.normal(9, 5, (20, 4)), np.zeros(20))
    ours, theirs = features.standardize(train, test)
    np.testing.assert_allclose(ours.values.mean(0), 0, atol=RTOL)
    np.testing.assert_allclose(ours.values.std(0), 1, rtol=RTOL)
    expected = (test.values - train.values.mean(0)) / train.values.std(0)
    np.testing.assert_allclose(theirs.values, expected, rtol=1e-4, atol=RTOL)


def test_a_constant_feature_becomes_zero():
    train = features.Features(np.full((5, 1), 7.0), np.zeros(5))
    (scaled,) = features.standardize(train)
    np.testing.assert_array_equal(scaled.values, 0)


def test_named_outputs_are_pooled_and_share_labels():
    images = tf.reshape(tf.range(24, dtype=tf.float32), [3, 2, 2, 2])
    batch = {
        "images": images,
        "labels": tf.constant([2, 0, 1]),
        "mask": tf.constant([1.0, 1.0, 0.0]),
    }

    def endpoints(images):
        return {
            "block_group1": tf.cast(images, tf.bfloat16),
            "final_avg_pool": 2 * tf.reduce_mean(images, [1, 2]),
        }

    found = features.extract_named(endpoints, [batch, batch])
    assert set(found) == {"block_group1", "final_avg_pool"}
    pooled = images.numpy().mean(axis=(1, 2))[:2]
    twice = np.concatenate([pooled, pooled])
    np.testing.assert_allclose(found["block_group1"].values, twice)
    np.testing.assert_allclose(found["final_avg_pool"].values, 2 * twice)
    for part in found.values():
        assert part.values.dtype == np.float32
        np.testing.assert_array_equal(part.labels, [2, 0, 2, 0])


def test_parts_are_joined_in_order():
    first = features.Features(np.zeros((2, 3)), np.array([0, 1]))
    second = features.Features(np.ones((1, 3)), np.array([2]))
    both = features.concatenate(first, second)
    np.testing.assert_array_equal(both.labels, [0, 1, 2])
    np.testing.assert_array_equal(both.values[:, 0], [0, 0, 1])
