import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from simclr_tf.evaluation import metrics


@pytest.mark.parametrize("k", [1, 3, 5])
def test_equals_scikit_learn(k):
    generator = np.random.default_rng(k)
    logits = generator.normal(size=(80, 7))
    labels = generator.integers(0, 7, 80)
    expected = sklearn_metrics.top_k_accuracy_score(
        labels, logits, k=k, labels=np.arange(7)
    )
    hits = metrics.top_k_hits(logits, labels, k=k)
    assert hits.mean() == pytest.approx(expected)


def test_fewer_classes_than_k_is_always_a_hit():
    logits = np.zeros((4, 3))
    assert metrics.top_k_hits(logits, np.array([0, 1, 2, 0]), k=5).all()


def test_ties_go_to_the_lower_class():
    logits = np.zeros((2, 3))
    hits = metrics.top_k_hits(logits, np.array([0, 1]), k=1)
    assert hits.tolist() == [True, False]
