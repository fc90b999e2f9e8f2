"""Whether two runs differ: a paired test on the same examples.

If the runs were alike, swapping their results on any one example would be as
likely as not. So under every pattern of swaps the mean difference is as
probable, and p is the share of patterns with a difference as large as seen,
or larger, in either direction.

Dimension letter: `n` examples.
"""

import typing

import numpy as np
from scipy import stats

from simclr_tf.data import seeds
from simclr_tf.evaluation import metrics

CONFIDENCE = 0.95
NUM_PATTERNS = 10_000
"""Drawn where patterns cannot be counted: p is then good to about 0.005."""
PATTERNS_PER_CHUNK = 256
ROUNDING = 1e-12
"""Sums of the same numbers in another order are as large."""


class Comparison(typing.NamedTuple):
    """Two runs on the same examples.

    Attributes:
        difference: ours less theirs, mean over the examples.
        low, high: 95% confidence interval of the difference.
        p_value: two-sided.
        method: "exact", all patterns of swaps counted, or "monte carlo".
        num_examples: n.
        num_ours, num_theirs: examples on which ours, theirs was better.
    """

    difference: float
    low: float
    high: float
    p_value: float
    method: str
    num_examples: int
    num_ours: int
    num_theirs: int


def compare(ours, theirs, *, seed=0):
    """The paired permutation test.

    Of right-or-wrong results all patterns are counted: only examples that
    one run alone gets right matter, and their number that is ours is
    binomial, so the test is McNemar's exact test. Of other scores,
    `NUM_PATTERNS` patterns are drawn, and the one seen is counted too, so
    that p is never 0.

    The interval is that of a mean of n differences by Student's t.

    Args:
        ours: bool or float [n], right or wrong, or any score, per example.
        theirs: of the same examples in the same order, n >= 2.
        seed: of the patterns drawn.

    Returns:
        A `Comparison`.
    """
    gaps = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    num_ours, num_theirs = int((gaps > 0).sum()), int((gaps < 0).sum())
    exact = bool(np.isin(gaps, (-1, 0, 1)).all())
    if exact:
        p_value = _binomial(num_ours, num_theirs)
    else:
        p_value = _sampled(gaps[gaps != 0], seed)
    error = gaps.std(ddof=1) / np.sqrt(len(gaps))
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(gaps) - 1) * error
    mean = gaps.mean()
    return Comparison(
        difference=float(mean),
        low=float(mean - half),
        high=float(mean + half),
        p_value=p_value,
        method="exact" if exact else "monte carlo",
        num_examples=len(gaps),
        num_ours=num_ours,
        num_theirs=num_theirs,
    )


def _binomial(num_ours, num_theirs):
    differing = num_ours + num_theirs
    if differing == 0:
        return 1.0
    return float(stats.binomtest(num_ours, differing, 0.5).pvalue)


def _sampled(gaps, seed):
    generator = seeds.generator(seed, seeds.Domain.SIGNIFICANCE)
    seen = abs(gaps.sum()) - ROUNDING * np.abs(gaps).sum()
    as_large = 0
    for start in range(0, NUM_PATTERNS, PATTERNS_PER_CHUNK):
        rows = min(PATTERNS_PER_CHUNK, NUM_PATTERNS - start)
        kept = generator.integers(0, 2, (rows, len(gaps)), dtype=np.int8)
        sums = (2 * kept - 1) @ gaps
        as_large += int((np.abs(sums) >= seen).sum())
    return (1 + as_large) / (1 + NUM_PATTERNS)


def over_seeds(ours, theirs, *, paired):
    """How far apart several seeds of two runs are.

    `compare` takes the networks as they are; this asks whether others,
    trained with other seeds, would differ as well.

    Args:
        ours: numbers, one per seed, two or more.
        theirs: likewise.
        paired: whether they are of the same seeds, in the same order: then
            Student's t of their differences, else Welch's t.

    Returns:
        A `metrics.Interval` of the mean difference, at 95%.
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if paired:
        return metrics.mean_interval(ours - theirs, confidence=CONFIDENCE)
    mean = float(ours.mean() - theirs.mean())
    errors = [x.var(ddof=1) / len(x) for x in (ours, theirs)]
    total = sum(errors)
    if total == 0:
        return metrics.Interval(mean, 0.0, len(ours) + len(theirs))
    parts = zip(errors, (ours, theirs), strict=True)
    freedom = total**2 / sum(e**2 / (len(x) - 1) for e, x in parts)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(total)
    return metrics.Interval(mean, float(half), len(ours) + len(theirs))
