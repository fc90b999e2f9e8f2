"""Nothing that is fitted or scaled by looks at a test image."""

import numpy as np

from simclr_tf.evaluation import features, label_budgets, methods


def blobs(rows, seed):
    generator = np.random.default_rng(seed)
    labels = np.arange(rows, dtype=np.int32) % 3
    values = np.eye(3, 5)[labels] * 2 + generator.normal(size=(rows, 5))
    return features.Features(values.astype(np.float32), labels)


def fitted_beside(test):
    protocol = label_budgets.Protocol(
        methods=(methods.logistic_regression((1e-2, 1.0)),),
        budgets=("3", "all"),
        num_draws=2,
        holdout_fraction=0.2,
        seed=0,
    )
    return label_budgets.evaluate(
        blobs(90, 0), test, num_classes=3, protocol=protocol
    )


def test_other_test_images_leave_every_classifier_as_it_is():
    test = blobs(60, 1)
    moved = features.Features(5 * test.values + 3, test.labels)
    for ours, theirs in zip(
        fitted_beside(test), fitted_beside(moved), strict=True
    ):
        assert ours.setting == theirs.setting
        for one, other in zip(ours.fitted, theirs.fitted, strict=True):
            np.testing.assert_array_equal(one.weights, other.weights)
            np.testing.assert_array_equal(one.bias, other.bias)
