"""Which draws of labels are a measurement of their own."""

import numpy as np

from simclr_tf.commands.curve import frozen_points


def test_equal_draws_of_a_fraction_count_once():
    half = np.array([0, 2]), np.array([1, 3]), np.array([0, 2])
    draws = {(0.5, seed): draw for seed, draw in enumerate(half)}
    draws |= {(1.0, seed): np.arange(4) for seed in range(3)}
    draws |= {(0.4, 0): half[0]}  # another fraction is another point
    kept = frozen_points.distinct(draws)
    assert list(kept) == [(0.5, 0), (0.5, 1), (1.0, 0), (0.4, 0)]
