"""What the confusion matrix says of every class."""

import math

import numpy as np
import pytest
from scipy import sparse

from simclr_tf.evaluation import metrics, per_class

CONFUSION = sparse.csr_array([[5, 2, 3], [0, 4, 0], [0, 0, 0]])


def test_by_hand():
    cat, dog, bird = per_class.scores(
        CONFUSION, class_names=("cat", "dog", "bird")
    )
    assert cat == ("cat", 10, 5, "bird", 3)
    assert cat.accuracy == 0.5
    assert dog == ("dog", 4, 4, None, 0)
    assert (bird.num_images, bird.taken_for) == (0, None)
    assert math.isnan(bird.accuracy)


def test_a_tie_goes_to_the_first_and_names_may_be_numbers():
    tied = sparse.csr_array([[0, 2, 2], [0] * 3, [0] * 3])
    (first, *_) = per_class.scores(tied)
    assert (first.name, first.taken_for, first.num_taken) == ("0", "1", 2)


def test_nothing_is_lost_and_the_matrix_is_not_written_to():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 7, (2, 500))
    confusion = metrics.confusion_matrix(predicted, labels, num_classes=7)
    before = confusion.toarray()
    scores = per_class.scores(confusion)
    np.testing.assert_array_equal(confusion.toarray(), before)
    assert sum(score.num_images for score in scores) == 500
    right = sum(score.num_right for score in scores)
    assert right == (labels == predicted).sum()
    expected = metrics.per_class_accuracy(confusion)
    found = [score.accuracy for score in scores]
    assert found == pytest.approx(list(expected))


def test_worst_pairs_are_sorted_and_leave_out_what_is_right():
    confusion = sparse.csr_array([[9, 1, 3], [3, 9, 0], [4, 0, 9]])
    expected = [(2, 0, 4), (0, 2, 3), (1, 0, 3), (0, 1, 1)]
    assert per_class.worst_pairs(confusion, most=9) == expected
    assert per_class.worst_pairs(confusion, most=2) == expected[:2]
    right = sparse.csr_array(np.eye(3, dtype=int))
    assert per_class.worst_pairs(right, most=9) == []
