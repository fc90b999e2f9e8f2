import numpy as np

from simclr_tf.evaluation import features, linear

ATOL = 1e-5  # float32 sums of four products


def classifier(seed=0):
    generator = np.random.default_rng(seed)
    return linear.Linear(
        generator.normal(size=(4, 3)).astype(np.float32),
        generator.normal(size=3).astype(np.float32),
    )


def test_logits_by_the_definition():
    values = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    fitted = classifier()
    slow = [
        [
            sum(row[d] * fitted.weights[d, k] for d in range(4))
            + fitted.bias[k]
            for k in range(3)
        ]
        for row in values
    ]
    np.testing.assert_allclose(fitted.logits(values), slow, atol=ATOL)
    np.testing.assert_array_equal(
        fitted.predict(values), np.argmax(slow, axis=1)
    )


def test_accuracy_counts_right_predictions():
    values = np.random.default_rng(2).normal(size=(8, 4)).astype(np.float32)
    labels = classifier().predict(values)
    assert classifier().accuracy(features.Features(values, labels)) == 1
    labels[:2] = (labels[:2] + 1) % 3
    assert classifier().accuracy(features.Features(values, labels)) == 0.75


def test_scaling_can_be_taken_in():
    values = np.random.default_rng(3).normal(5, 3, (9, 4)).astype(np.float32)
    values[:, 1] = 7  # never varies
    scaling = features.scaling_of(features.Features(values, np.zeros(9)))
    after = classifier().logits(scaling.apply(values))
    alone = classifier().unscaled(scaling).logits(values)
    np.testing.assert_allclose(alone, after, atol=ATOL)


def test_a_class_never_seen_is_never_predicted():
    fitted = classifier()
    fitted.bias[1] = -np.inf
    fitted.weights[:, 1] = 0
    values = np.random.default_rng(4).normal(size=(99, 4)).astype(np.float32)
    scaling = features.scaling_of(features.Features(values, np.zeros(99)))
    unscaled = fitted.unscaled(scaling)
    assert not np.isnan(unscaled.logits(values)).any()
    assert set(unscaled.predict(values)) == {0, 2}
