import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from sklearn import metrics as sklearn_metrics

from simclr_tf.evaluation import metrics
from simclr_tf.losses import supervised


def random_case(n=200, classes=7, seed=0):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, classes)).astype(np.float32)
    return logits, generator.integers(0, classes, n)


@pytest.mark.parametrize("k", [1, 3, 5, 7, 9])
def test_top_k_equals_sorting(k):
    logits, labels = random_case()
    best = np.argsort(-logits, axis=1)[:, :k]
    expected = [label in row for row, label in zip(best, labels, strict=True)]
    hits = metrics.top_k_hits(logits, labels, k=k)
    np.testing.assert_array_equal(hits, expected)
    assert metrics.top_k_accuracy(logits, labels, k=k) == np.mean(expected)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_ties_fall_as_in_the_losses(k):
    logits, labels = random_case(seed=1)
    logits = np.round(logits)
    theirs = supervised.top_k_hits(tf.constant(logits), labels, k=k)
    np.testing.assert_array_equal(
        metrics.top_k_hits(logits, labels, k=k), theirs.numpy()
    )


def test_equal_logits_are_one_guess():
    labels = np.arange(10)
    assert metrics.accuracy(np.zeros((10, 10)), labels) == 0.1
    assert metrics.top_k_accuracy(np.zeros((10, 10)), labels, k=5) == 0.5


def test_no_number_is_a_miss():
    logits = np.zeros((2, 3))
    logits[0, 1] = np.nan
    np.testing.assert_array_equal(
        metrics.top_k_hits(logits, [0, 0], k=3), [False, True]
    )
    never = np.array([[0, -np.inf, -np.inf]])
    assert metrics.accuracy(never, [0]) == 1


def test_masked_rows_do_not_count():
    logits, labels = random_case(seed=2)
    padded = np.concatenate([logits, logits[:30]])
    with_zeros = np.concatenate([labels, np.zeros(30, int)])
    mask = np.concatenate([np.ones(200), np.zeros(30)])
    assert metrics.top_k_accuracy(
        padded, with_zeros, k=2, mask=mask
    ) == pytest.approx(metrics.top_k_accuracy(logits, labels, k=2))
    np.testing.assert_array_equal(
        metrics.confusion_matrix(
            padded.argmax(1), with_zeros, num_classes=7, mask=mask
        ).toarray(),
        metrics.confusion_matrix(
            logits.argmax(1), labels, num_classes=7
        ).toarray(),
    )


def test_confusion_matrix_equals_scikit_learn():
    logits, labels = random_case(seed=3)
    predicted = logits.argmax(axis=1)
    confusion = metrics.confusion_matrix(predicted, labels, num_classes=8)
    theirs = sklearn_metrics.confusion_matrix(
        labels, predicted, labels=range(8)
    )
    np.testing.assert_array_equal(confusion.toarray(), theirs)
    assert confusion.sum() == 200


def test_small_integers_do_not_wrap():
    labels = np.full(3, 99, np.uint8)
    confusion = metrics.confusion_matrix(labels, labels, num_classes=100)
    assert confusion[99, 99] == 3


def test_per_class_accuracy_by_counting():
    logits, labels = random_case(seed=4)
    labels[labels == 5] = 4  # class 5 has no image
    predicted = logits.argmax(axis=1)
    by_class = metrics.per_class_accuracy(
        metrics.confusion_matrix(predicted, labels, num_classes=7)
    )
    for k in range(7):
        hits = predicted[labels == k] == k
        expected = hits.mean() if len(hits) else np.nan
        np.testing.assert_allclose(by_class[k], expected)
    assert metrics.mean_per_class_accuracy(logits, labels) == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, predicted)
        if set(predicted) <= set(labels)
        else np.nanmean(by_class)
    )


def test_mean_per_class_equals_scikit_learn():
    logits, labels = random_case(seed=5)
    labels[:150] = 0
    theirs = sklearn_metrics.balanced_accuracy_score(labels, logits.argmax(1))
    ours = metrics.mean_per_class_accuracy(logits, labels)
    assert ours == pytest.approx(theirs)
    assert ours != pytest.approx(metrics.accuracy(logits, labels))


def slow_average_precision(scores, positive):
    """11 points, walking down the ranking image by image; no ties."""
    precision, recall, hits = [], [], 0
    for taken, row in enumerate(np.argsort(-scores), start=1):
        hits += positive[row]
        precision.append(hits / taken)
        recall.append(hits)
    total = 0
    for level in range(11):
        needed = [
            p
            for p, r in zip(precision, recall, strict=True)
            if 10 * r >= level * positive.sum()
        ]
        total += max(needed, default=0)
    return total / 11


@pytest.mark.parametrize("num_positive", [1, 3, 10, 30])
def test_average_precision_equals_the_definition(num_positive):
    generator = np.random.default_rng(num_positive)
    scores = generator.normal(size=60)
    labels = generator.permutation(np.arange(60) < num_positive).astype(int)
    scores += labels
    assert metrics.average_precision(scores, labels) == pytest.approx(
        slow_average_precision(scores, labels)
    )


def test_average_precision_by_hand():
    scores = np.array([4.0, 3, 2, 1])
    assert metrics.average_precision(scores, np.array([1, 1, 0, 0])) == 1
    # the last of four: precision 1/4 at every recall
    assert metrics.average_precision(scores, np.array([0, 0, 0, 1])) == 0.25
    # recall 1/2 at precision 1 (six levels), recall 1 at 2/3 (five)
    assert metrics.average_precision(
        scores, np.array([1, 0, 1, 0])
    ) == pytest.approx((6 + 5 * 2 / 3) / 11)
    assert np.isnan(metrics.average_precision(scores, np.zeros(4, int)))


def test_average_precision_of_scores_that_are_not_finite():
    labels = np.array([1, 0, 1, 0])
    scores = np.array([np.inf, 1.0, -np.inf, np.nan])
    ranked = np.array([3.0, 2.0, 1.0, 1.0])
    assert metrics.average_precision(
        scores, labels
    ) == metrics.average_precision(ranked, labels)


def test_difficult_images_count_neither_way():
    generator = np.random.default_rng(8)
    scores = generator.normal(size=80)
    labels = generator.integers(-1, 2, 80)
    real = labels >= 0
    assert metrics.average_precision(scores, labels) == pytest.approx(
        slow_average_precision(scores[real], labels[real])
    )


def test_scores_all_alike_do_not_depend_on_the_order():
    labels = np.array([1, 0, 0, 0])
    for turned in (labels, labels[::-1]):
        assert metrics.average_precision(np.zeros(4), turned) == 0.25


def test_mean_average_precision_leaves_out_empty_classes():
    generator = np.random.default_rng(9)
    scores = generator.normal(size=(50, 3))
    labels = generator.integers(0, 2, (50, 3))
    labels[:, 1] = 0
    each = [slow_average_precision(scores[:, k], labels[:, k]) for k in (0, 2)]
    assert metrics.mean_average_precision(scores, labels) == pytest.approx(
        np.mean(each)
    )


def test_interval_equals_scipy():
    values = [0.71, 0.69, 0.74, 0.72, 0.70]
    interval = metrics.mean_interval(values)
    low, high = stats.t.interval(
        0.95, 4, loc=np.mean(values), scale=stats.sem(values)
    )
    assert interval.mean - interval.half_width == pytest.approx(low)
    assert interval.mean + interval.half_width == pytest.approx(high)
    assert str(interval) == "0.7120 ± 0.0239"


def test_one_seed_has_no_interval():
    assert metrics.mean_interval([0.5]) == (0.5, None, 1)
    assert str(metrics.mean_interval([0.5])) == "0.5000"


def test_the_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(10)
    held = [
        abs(i.mean) <= i.half_width
        for i in map(metrics.mean_interval, generator.normal(size=(2000, 5)))
    ]
    assert 0.935 <= np.mean(held) <= 0.965  # three standard errors


def test_metrics_by_name_take_logits_and_labels():
    logits, labels = random_case(seed=11)
    for name, metric in metrics.METRICS.items():
        truth = np.eye(7, dtype=int)[labels] if name == "map" else labels
        assert 0 <= metric(logits, truth) <= 1
