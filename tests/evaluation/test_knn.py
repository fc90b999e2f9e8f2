import numpy as np
import pytest
from sklearn import neighbors

from simclr_tf.evaluation import features, knn


def slow_vote(train, query, *, num_classes, k, temperature):
    """One query, by the definition."""
    cosines = [
        row @ query / (np.linalg.norm(row) * np.linalg.norm(query))
        for row in train.values
    ]
    votes = np.zeros(num_classes)
    for index in np.argsort(cosines)[::-1][:k]:
        votes[train.labels[index]] += np.exp(cosines[index] / temperature)
    return votes.argmax()


def random_features(rows, seed):
    generator = np.random.default_rng(seed)
    return features.Features(
        generator.normal(size=(rows, 6)).astype(np.float32),
        generator.integers(0, 3, rows).astype(np.int32),
    )


@pytest.mark.parametrize("k", [1, 5, 40])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_equals_the_definition(k, temperature):
    train, test = random_features(40, 0), random_features(30, 1)
    predicted = knn.predict(
        train, test.values, num_classes=3, neighbors=k, temperature=temperature
    )
    expected = [
        slow_vote(train, row, num_classes=3, k=k, temperature=temperature)
        for row in test.values
    ]
    np.testing.assert_array_equal(predicted, expected)


def test_one_neighbour_equals_scikit_learn():
    train, test = random_features(200, 2), random_features(100, 3)
    theirs = neighbors.KNeighborsClassifier(1, metric="cosine")
    theirs.fit(train.values, train.labels)
    predicted = knn.predict(train, test.values, num_classes=3, neighbors=1)
    np.testing.assert_array_equal(predicted, theirs.predict(test.values))


def test_more_neighbours_than_images_lets_all_vote():
    train, test = random_features(10, 4), random_features(8, 5)
    many = knn.predict(train, test.values, num_classes=3, neighbors=200)
    every = knn.predict(train, test.values, num_classes=3, neighbors=10)
    np.testing.assert_array_equal(many, every)


def test_chunks_do_not_change_the_votes(monkeypatch):
    train, test = random_features(50, 6), random_features(33, 7)
    whole = knn.accuracy(train, test, num_classes=3, neighbors=5)
    monkeypatch.setattr(knn, "QUERIES_PER_CHUNK", 4)
    assert knn.accuracy(train, test, num_classes=3, neighbors=5) == whole


def test_a_set_knows_itself():
    train = random_features(50, 8)
    assert knn.accuracy(train, train, num_classes=3, neighbors=1) == 1.0


def test_zero_rows_are_harmless():
    train = random_features(10, 9)
    queries = np.zeros((2, 6), np.float32)
    assert knn.predict(train, queries, num_classes=3).shape == (2,)
