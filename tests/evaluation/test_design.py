import numpy as np
import pytest

from simclr_tf.evaluation import design

ATOL = 1e-5  # float32 rows
SIZES = [(60, 8), (8, 60), (20, 20), (1, 5)]


def correlated(n, d, seed=0):
    generator = np.random.default_rng(seed)
    mixed = generator.normal(size=(n, d)) @ generator.normal(size=(d, d))
    return (mixed / np.sqrt(d) + 3).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_rows_are_the_centred_features_turned(size):
    values = correlated(*size)
    made = design.make_design(values)
    centred = values - values.mean(axis=0)
    assert made.rows.shape[1] == min(size)
    np.testing.assert_allclose(
        made.rows @ made.axes.T,
        centred,
        atol=ATOL * np.abs(centred).max() + ATOL,
    )
    np.testing.assert_allclose(
        made.axes.T @ made.axes, np.eye(min(size)), atol=1e-9
    )


@pytest.mark.parametrize("size", SIZES)
def test_columns_are_uncorrelated_with_the_variances_told(size):
    made = design.make_design(correlated(*size))
    moment = made.rows.T @ made.rows / size[0]
    scale = max(made.variances.max(), 1)
    np.testing.assert_allclose(
        moment, np.diag(made.variances), atol=ATOL * scale
    )


@pytest.mark.parametrize("size", SIZES)
def test_a_classifier_of_rows_is_one_of_features(size):
    values = correlated(*size, seed=1)
    made = design.make_design(values)
    generator = np.random.default_rng(2)
    weights = generator.normal(size=(min(size), 3))
    bias = generator.normal(size=3)
    expected = made.rows @ weights + bias
    found = made.to_features(weights, bias).logits(values)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_chunks_do_not_change_the_variances(monkeypatch):
    values = correlated(50, 6, seed=3)
    whole = design.make_design(values).variances
    monkeypatch.setattr(design, "ROWS_PER_CHUNK", 7)
    np.testing.assert_allclose(design.make_design(values).variances, whole)
