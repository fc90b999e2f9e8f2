import numpy as np
import pytest
from sklearn import neighbors

from simclr_tf import errors
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


def test_the_grid_equals_one_prediction_each():
    train, test = random_features(60, 10), random_features(45, 11)
    settings = {"neighbors": (20, 1, 60, 5), "temperatures": (0.05, 1.0)}
    grid = knn.predict_grid(train, test.values, num_classes=3, **settings)
    assert len(grid) == 8
    for (k, temperature), predicted in grid.items():
        alone = knn.predict(
            train,
            test.values,
            num_classes=3,
            neighbors=k,
            temperature=temperature,
        )
        np.testing.assert_array_equal(predicted, alone)


def test_the_best_setting_on_validation_is_chosen():
    """Labels are noise but for the nearest neighbour: k = 1 is best."""
    train = random_features(60, 12)
    generator = np.random.default_rng(13)
    noise = generator.normal(size=train.values.shape).astype(np.float32)
    validation = features.Features(train.values + 0.01 * noise, train.labels)
    choice = knn.choose(
        train,
        validation,
        num_classes=3,
        neighbors=(60, 20, 1),
        temperatures=(10.0, 5.0),
    )
    assert choice.setting == (1, 10.0)
    assert dict(choice.scores)[1, 10.0] == 1.0
    for (k, temperature), score in choice.scores:
        assert score == knn.accuracy(
            train,
            validation,
            num_classes=3,
            neighbors=k,
            temperature=temperature,
        )


def test_a_grid_beyond_the_training_set_is_cut():
    train = random_features(8, 14)
    choice = knn.choose(
        train, train, num_classes=3, neighbors=(1, 5, 200), temperatures=(1,)
    )
    assert {k for (k, _), _ in choice.scores} == {1, 5}


@pytest.mark.parametrize("k", [0, 11])
def test_more_neighbours_than_there_are_is_an_error(k):
    knn.check_neighbors(10, 10)
    rule = f"knn_neighbors must be from 1 to the 10 training images; got {k}"
    with pytest.raises(errors.UserError, match=rule):
        knn.check_neighbors(k, 10)


def test_a_grid_all_beyond_the_training_set_is_an_error():
    train = random_features(8, 15)
    with pytest.raises(errors.UserError, match="knn_neighbors must be"):
        knn.choose(train, train, num_classes=3, neighbors=(9, 20))
