import itertools

import numpy as np
import pytest
from scipy import stats

from simclr_tf.evaluation import significance


def slow_p_value(gaps):
    """Every pattern of swaps, one after the other."""
    seen = abs(sum(gaps))
    patterns = list(itertools.product((-1, 1), repeat=len(gaps)))
    as_large = sum(
        abs(np.dot(pattern, gaps)) >= seen - 1e-9 for pattern in patterns
    )
    return as_large / len(patterns)


def correctness(ours_alone, theirs_alone, both=5, neither=4):
    ours = [1] * ours_alone + [0] * theirs_alone + [1] * both + [0] * neither
    theirs = [0] * ours_alone + [1] * theirs_alone + [1] * both + [0] * neither
    return np.array(ours, bool), np.array(theirs, bool)


@pytest.mark.parametrize("counts", [(3, 0), (5, 2), (4, 4), (0, 1), (1, 6)])
def test_exact_p_value_counts_all_patterns(counts):
    ours, theirs = correctness(*counts)
    found = significance.compare(ours, theirs)
    gaps = ours[: sum(counts)].astype(int) - theirs[: sum(counts)]
    assert found.method == "exact"
    assert found.p_value == pytest.approx(slow_p_value(gaps))
    assert (found.num_ours, found.num_theirs) == counts
    assert found.num_examples == sum(counts) + 9


def test_runs_that_are_alike_do_not_differ():
    ours, _ = correctness(3, 2)
    found = significance.compare(ours, ours)
    assert found.p_value == 1
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_swapping_the_runs_turns_the_sign():
    ours, theirs = correctness(9, 2)
    there = significance.compare(ours, theirs)
    back = significance.compare(theirs, ours)
    assert there.p_value == back.p_value
    assert there.difference == -back.difference == pytest.approx(7 / 20)
    assert there.low == pytest.approx(-back.high)


def test_examples_both_get_alike_do_not_change_p():
    few = significance.compare(*correctness(9, 2, both=0, neither=0))
    many = significance.compare(*correctness(9, 2, both=900, neither=90))
    assert few.p_value == many.p_value
    assert few.difference > many.difference


def test_other_scores_are_sampled():
    generator = np.random.default_rng(0)
    gaps = generator.normal(0.4, 1, 12)
    found = significance.compare(gaps, np.zeros(12))
    assert found.method == "monte carlo"
    assert found.p_value == pytest.approx(slow_p_value(gaps), abs=0.02)
    again = significance.compare(gaps, np.zeros(12))
    assert again == found
    assert significance.compare(gaps, np.zeros(12), seed=1) != found


def test_sampled_and_exact_agree():
    ours, theirs = correctness(14, 6)
    exact = significance.compare(ours, theirs).p_value
    sampled = significance.compare(ours * 0.7, theirs * 0.7)
    assert sampled.method == "monte carlo"
    assert sampled.p_value == pytest.approx(exact, abs=0.02)


def test_a_sampled_p_value_is_never_zero():
    found = significance.compare(np.full(100, 0.5), np.zeros(100))
    assert found.p_value == 1 / (1 + significance.NUM_PATTERNS)


def test_interval_is_that_of_the_mean_difference():
    ours, theirs = correctness(30, 12, both=100, neither=50)
    gaps = ours.astype(float) - theirs
    low, high = stats.t.interval(
        0.95, len(gaps) - 1, loc=gaps.mean(), scale=stats.sem(gaps)
    )
    found = significance.compare(ours, theirs)
    assert (found.low, found.high) == (
        pytest.approx(low),
        pytest.approx(high),
    )


def test_alike_runs_are_called_different_as_rarely_as_p_says():
    """Under the null hypothesis P(p <= 0.05) <= 0.05."""
    generator = np.random.default_rng(3)
    rejected = [
        significance.compare(
            generator.random(300) < 0.7, generator.random(300) < 0.7
        ).p_value
        <= 0.05
        for _ in range(500)
    ]
    assert np.mean(rejected) <= 0.065


def test_over_seeds_is_students_or_welchs_interval():
    ours, theirs = np.array([0.5, 0.6, 0.7]), np.array([0.4, 0.55, 0.52])
    expected = stats.ttest_rel(ours, theirs).confidence_interval()
    paired = significance.over_seeds(ours, theirs, paired=True)
    assert paired.mean - paired.half_width == pytest.approx(expected.low)
    test = stats.ttest_ind(ours, theirs[:2], equal_var=False)
    apart = significance.over_seeds(ours, theirs[:2], paired=False)
    low = test.confidence_interval().low
    assert apart.mean - apart.half_width == pytest.approx(low)


def test_seeds_that_agree_leave_no_doubt():
    found = significance.over_seeds([0.5, 0.5], [0.25] * 3, paired=False)
    assert (found.mean, found.half_width) == (0.25, 0)
