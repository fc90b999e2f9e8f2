"""The order of examples."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.data import order

# Squared correlation times n is about 1 for unrelated orders; 30 has a
# probability of 1e-7.
MAX_SCALED_CORRELATION = 30.0
# Chi-square per degree of freedom of 99 cells; 1.7 has probability 1e-5.
MAX_CHI_SQUARE = 1.7


def indices(start, count, num_examples, seed=3):
    positions = tf.range(start, start + count, dtype=tf.int64)
    return order.shuffled_indices(
        positions, num_examples=num_examples, seed=seed
    ).numpy()


@pytest.mark.parametrize("num_examples", [1, 2, 3, 7, 64, 1437])
def test_every_epoch_is_a_permutation(num_examples):
    found = indices(0, 3 * num_examples, num_examples)
    for epoch in found.reshape(3, num_examples):
        assert sorted(epoch) == list(range(num_examples))


def test_any_stretch_equals_that_of_the_whole():
    whole = indices(0, 40, 11)
    np.testing.assert_array_equal(indices(7, 20, 11), whole[7:27])


def test_positions_beyond_32_bits():
    start = 2**40
    found = indices(start - start % 7, 7, 7)
    assert sorted(found) == list(range(7))


def test_seeds_and_epochs_differ():
    first, second = indices(0, 200, 100).reshape(2, 100)
    assert np.any(first != second)
    assert np.any(first != indices(0, 100, 100, seed=4))
    assert np.any(first != indices(0, 100, 100, seed=3 + 2**32))


@pytest.mark.parametrize("num_examples", [1437, 50_000])
def test_successive_epochs_are_not_correlated(num_examples):
    epochs = indices(0, 5 * num_examples, num_examples)
    correlations = np.corrcoef(epochs.reshape(5, num_examples))
    worst = np.max(correlations[np.triu_indices(5, k=1)] ** 2)
    assert worst * num_examples < MAX_SCALED_CORRELATION


def test_every_place_is_as_likely():
    num_examples, num_epochs = 10, 1500
    found = indices(0, num_examples * num_epochs, num_examples)
    places = np.tile(np.arange(num_examples), num_epochs)
    counts = np.bincount(found * num_examples + places, minlength=100)
    chi_square = np.sum((counts - num_epochs / 10) ** 2) / (num_epochs / 10)
    assert chi_square / 99 < MAX_CHI_SQUARE
