"""Threefry against its published vectors and a numpy oracle."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from simclr_tf.augment import draws

# Random123, file kat_vectors, threefry2x32 20: counter, key, result.
KNOWN_ANSWERS = (
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
    (
        (0x243F6A88, 0x85A308D3),
        (0x13198A2E, 0x03707344),
        (0xC4923A9C, 0x483DF7A0),
    ),
)
# Chance of a false alarm; seeds are fixed, so a pass stays a pass.
MIN_P_VALUE = 1e-3
NUM_SAMPLES = 20_000


def modes():
    return pytest.mark.parametrize("jit", [None, False, True])


def run(function, jit):
    if jit is None:
        return function()
    return tf.function(function, jit_compile=jit)()


def words(values):
    return tuple(tf.constant(value, tf.uint32) for value in values)


def threefry_oracle(key, counter):
    mask = 2**32 - 1
    rotations = [13, 15, 26, 6, 17, 29, 16, 24]
    schedule = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    low = (counter[0] + schedule[0]) & mask
    high = (counter[1] + schedule[1]) & mask
    for i in range(20):
        low = (low + high) & mask
        distance = rotations[i % 8]
        high = ((high << distance) | (high >> (32 - distance))) & mask
        high ^= low
        if i % 4 == 3:
            step = i // 4 + 1
            low = (low + schedule[step % 3]) & mask
            high = (high + schedule[(step + 1) % 3] + step) & mask
    return low, high


@modes()
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_threefry_known_answers(counter, key, expected, jit):
    result = run(lambda: draws.threefry(words(key), words(counter)), jit)
    assert tuple(int(word) for word in result) == expected
    assert threefry_oracle(key, counter) == expected


@modes()
def test_example_keys_match_oracle_on_all_64_bits(jit):
    seed = (7 << 32) + 5
    positions = [0, 1, 2**31, 2**32 - 1, 2**32, 2**40 + 3, 2**63 - 1]
    keys = run(
        lambda: draws.example_keys(seed, tf.constant(positions, tf.int64)), jit
    )
    expected = [
        threefry_oracle((5, 7), (p & (2**32 - 1), p >> 32)) for p in positions
    ]
    np.testing.assert_array_equal(keys.numpy(), expected)


@pytest.mark.parametrize("seed", [0, 3, -1, 2**63 - 1, -(2**63)])
def test_seed_may_be_a_tensor(seed):
    positions = tf.range(3, dtype=tf.int64)
    np.testing.assert_array_equal(
        draws.example_keys(seed, positions),
        draws.example_keys(tf.constant(seed, tf.int64), positions),
    )


def test_seeds_differ_in_every_bit():
    positions = tf.range(1, dtype=tf.int64)
    seeds = [0] + [1 << bit for bit in range(64)]
    keys = {
        tuple(draws.example_keys(seed, positions).numpy()[0]) for seed in seeds
    }
    assert len(keys) == len(seeds)


@modes()
def test_uniform_matches_oracle(jit):
    keys = draws.example_keys(11, tf.range(3, dtype=tf.int64))
    values = run(lambda: draws.uniform(keys, 5), jit).numpy()
    for row, key in zip(values, keys.numpy().tolist(), strict=True):
        blocks = [threefry_oracle(key, (i, 1)) for i in range(3)]
        numbers = [block[0] for block in blocks]
        numbers += [block[1] for block in blocks]
        expected = [(word >> 8) / 2**24 for word in numbers[:5]]
        np.testing.assert_array_equal(row, expected)


def test_uniform_is_uniform_and_in_range():
    keys = draws.example_keys(1, tf.range(NUM_SAMPLES // 4, dtype=tf.int64))
    values = draws.uniform(keys, 4).numpy()
    assert values.min() >= 0
    assert values.max() < 1
    assert stats.kstest(values.ravel(), "uniform").pvalue > MIN_P_VALUE
    correlation = np.corrcoef(values.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(values))  # 5 sigma


def test_rows_do_not_depend_on_the_batch():
    positions = tf.constant([4, 9, 2**35, 9], tf.int64)
    values = draws.uniform(draws.example_keys(2, positions), 7).numpy()
    for i in range(4):
        alone = draws.example_keys(2, positions[i : i + 1])
        np.testing.assert_array_equal(draws.uniform(alone, 7)[0], values[i])
    np.testing.assert_array_equal(values[1], values[3])


def test_folded_keys_are_apart_from_each_other_and_from_numbers():
    keys = draws.example_keys(3, tf.range(2, dtype=tf.int64))
    folded = [draws.fold_in(keys, i).numpy() for i in range(4)]
    rows = np.concatenate([keys.numpy(), *folded]).tolist()
    assert len({tuple(row) for row in rows}) == 10
    blocks = [
        [word.numpy().tolist() for word in draws.threefry(keys[0], words(c))]
        for c in ((0, 1), (1, 1))
    ]
    assert all(block not in rows for block in blocks)


def test_integers_below_covers_the_range_evenly():
    keys = draws.example_keys(5, tf.range(NUM_SAMPLES, dtype=tf.int64))
    values = draws.integers_below(draws.uniform(keys, 1)[:, 0], 7).numpy()
    counts = np.bincount(values, minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > MIN_P_VALUE


def test_integers_below_takes_a_bound_per_row():
    largest = tf.constant(1 - 2.0**-24)
    bounds = tf.constant([1, 2, 1000, 2**24 - 1])
    values = draws.integers_below(largest, bounds)
    np.testing.assert_array_equal(values, bounds.numpy() - 1)
    np.testing.assert_array_equal(
        draws.integers_below(0.0 * largest, bounds), 0
    )


def test_between():
    values = draws.between(tf.constant([0.0, 0.5]), -2.0, 4.0)
    np.testing.assert_array_equal(values, [-2.0, 1.0])
