import numpy as np
import pytest

from simclr_tf.evaluation import effective_rank

ROUNDING = 1e-4  # of the epsilon


def oracle(values):
    """The entropy of the eigenvalues' square roots, one by one."""
    eigenvalues = np.linalg.eigvalsh(values.T @ values)
    roots = [np.sqrt(max(value, 0.0)) for value in eigenvalues]
    entropy = 0.0
    for root in roots:
        share = root / sum(roots) + 1e-7
        entropy -= share * np.log(share)
    return np.exp(entropy)


def test_it_is_the_oracle():
    values = np.random.default_rng(0).normal(size=[30, 5])
    found = effective_rank.effective_rank(values)
    assert found == pytest.approx(oracle(values), rel=ROUNDING)


def test_even_dimensions_all_count():
    values = np.concatenate([np.eye(6), -np.eye(6)])
    found = effective_rank.effective_rank(values)
    assert found == pytest.approx(6, rel=ROUNDING)


def test_one_direction_counts_once():
    values = np.outer(np.arange(1, 9), [1.0, 2.0, 3.0])
    found = effective_rank.effective_rank(values)
    assert found == pytest.approx(1, rel=ROUNDING)


def test_the_scale_does_not_matter():
    values = np.random.default_rng(0).normal(size=[30, 5])
    found = effective_rank.effective_rank(1000 * values)
    assert found == pytest.approx(effective_rank.effective_rank(values))


def test_nothing_has_no_rank():
    assert effective_rank.effective_rank(np.zeros([4, 3])) == 0
