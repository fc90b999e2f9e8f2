import numpy as np
import pytest
from sklearn import neighbors

from simclr_tf.evaluation import choice, features, knn, methods


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


def test_held_out_images_are_predicted_and_have_likelihoods():
    """Shares of the votes by the definition, a tenth of a vote spread."""
    train, held = random_features(40, 12), random_features(25, 13)
    grid = knn.held_out_grid(
        train, held, num_classes=3, neighbors=(7, 2), temperatures=(0.1, 1.0)
    )
    assert len(grid) == 4
    bank = train.values / np.linalg.norm(train.values, axis=1)[:, np.newaxis]
    for (k, temperature), (predicted, likelihoods) in grid.items():
        expected = knn.predict(
            train,
            held.values,
            num_classes=3,
            neighbors=k,
            temperature=temperature,
        )
        np.testing.assert_array_equal(predicted, expected)
        for query, label, found in zip(
            held.values, held.labels, likelihoods, strict=True
        ):
            cosines = bank @ query / np.linalg.norm(query)
            nearest = np.argsort(cosines)[::-1][:k]
            votes = np.exp(
                (cosines[nearest] - cosines[nearest[0]]) / temperature
            )
            own = votes[train.labels[nearest] == label].sum()
            share = (own + 0.1 / 3) / (votes.sum() + 0.1)
            assert found == pytest.approx(np.log(share), rel=1e-4)


def test_a_grid_is_cut_to_what_the_images_meet():
    method = methods.Neighbors((1, 5, 200), (0.1,))
    limited = method.limited_to(8)
    assert limited.axes[0].values == (1, 5)
    assert choice.ends({"neighbors": 5, "temperature": 0.1}, limited.axes) == []
    assert method.limited_to(200) == method


def test_more_neighbours_than_images_are_all_of_them(caplog):
    knn.warn_of_few_images(10, 10)
    assert caplog.text == ""
    knn.warn_of_few_images(11, 10)
    assert "knn_neighbors=11 is more than the 10 training" in caplog.text


def test_of_a_grid_all_beyond_the_training_set_all_images_vote():
    limited = methods.Neighbors((9, 20), (0.1,)).limited_to(8)
    assert limited.axes[0].values == (8,)
