"""Weighted k-nearest-neighbour classification.

Neighbour i with cosine s_i votes exp(s_i / temperature) for its class.

Dimension letters: `n` training images, `m` queries, `D` feature, `K` classes,
`k` neighbours.

Source: Wu et al. 2018 (arXiv:1805.01978), section 3.4.
"""

import numpy as np

from simclr_tf import errors
from simclr_tf.evaluation import choice

QUERIES_PER_CHUNK = 512
"""Rows of the similarity matrix held at once."""
NEIGHBORS = (1, 5, 10, 20, 50, 100, 200)
TEMPERATURES = (0.02, 0.05, 0.07, 0.1, 0.2, 0.5)
"""The grid, around the usual 200 and 0.1 (or 0.07)."""


def check_neighbors(neighbors, num_train):
    """Raises `UserError` if more neighbours are asked for than there are.

    Args:
        neighbors: k.
        num_train: n, images of the training set.
    """
    if not 1 <= neighbors <= num_train:
        raise errors.UserError(
            f"knn_neighbors must be from 1 to the {num_train} training "
            f"images; got {neighbors}"
        )


def predict(train, queries, *, num_classes, neighbors=200, temperature=0.1):
    """Votes of the most similar training images, weighted by similarity.

    Args:
        train: `features.Features`, [n, D].
        queries: float32 [m, D].
        num_classes: K.
        neighbors: k; all training images vote where there are fewer, as in
            a draw of few labels. Whether the whole training set can meet it
            is for `check_neighbors` to say.
        temperature: > 0, dimensionless.

    Returns:
        int64 [m]: the class with most votes, the lowest on a tie.
    """
    grid = predict_grid(
        train,
        queries,
        num_classes=num_classes,
        neighbors=(neighbors,),
        temperatures=(temperature,),
    )
    return grid[neighbors, temperature]


def predict_grid(train, queries, *, num_classes, neighbors, temperatures):
    """As `predict` for every k and temperature, by one search.

    Args:
        train: `features.Features`, [n, D].
        queries: float32 [m, D].
        num_classes: K.
        neighbors: numbers k >= 1.
        temperatures: numbers > 0.

    Returns:
        dict of (k, temperature) -> int64 [m].
    """
    bank = normalize(train.values)
    found = {(k, t): [] for k in neighbors for t in temperatures}
    for start in range(0, len(queries), QUERIES_PER_CHUNK):
        chunk = normalize(queries[start : start + QUERIES_PER_CHUNK])
        cosine, nearest = _search(bank, chunk, max(neighbors))
        labels = train.labels[nearest]
        for t in temperatures:
            weight = np.exp((cosine - cosine[:, :1]) / t)
            votes = _cumulative_votes(weight, labels, neighbors, num_classes)
            for k, total in votes:
                found[k, t].append(total.argmax(axis=1))
    return {setting: np.concatenate(parts) for setting, parts in found.items()}


def accuracy(train, test, *, num_classes, neighbors=200, temperature=0.1):
    """Fraction of `test` that `predict` gets right, in [0, 1]."""
    predicted = predict(
        train,
        test.values,
        num_classes=num_classes,
        neighbors=neighbors,
        temperature=temperature,
    )
    return float(np.mean(predicted == test.labels))


def choose(
    train,
    validation,
    *,
    num_classes,
    neighbors=NEIGHBORS,
    temperatures=TEMPERATURES,
):
    """The k and temperature best on validation images.

    Args:
        train: `features.Features`.
        validation: of images not in `train`.
        num_classes: K.
        neighbors: k's to choose from; those above n are left out.
        temperatures: to choose from.

    Returns:
        A `choice.Choice` of (k, temperature): the first listed on a tie.

    Raises:
        errors.UserError: if every k is above n.
    """
    check_neighbors(min(neighbors), len(train.labels))
    predicted = predict_grid(
        train,
        validation.values,
        num_classes=num_classes,
        neighbors=[k for k in neighbors if k <= len(train.labels)],
        temperatures=temperatures,
    )
    return choice.best(
        (setting, float(np.mean(classes == validation.labels)))
        for setting, classes in predicted.items()
    )


def normalize(rows):
    """Rows of unit length, [n, D]; a zero row stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-12)


def _search(bank, queries, k):
    """Cosines of the k most similar, falling, and where they are: [m, k]."""
    k = min(k, len(bank))
    similarity = queries @ bank.T  # [m, n]
    nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
    cosine = np.take_along_axis(similarity, nearest, axis=1)
    order = np.argsort(-cosine, axis=1, kind="stable")
    return (
        np.take_along_axis(cosine, order, axis=1),
        np.take_along_axis(nearest, order, axis=1),
    )


def _cumulative_votes(weight, labels, neighbors, num_classes):
    """Yields (k, votes float64 [m, K] of the first k), k rising."""
    rows = np.arange(len(labels))[:, np.newaxis]
    cells = rows * num_classes + labels  # [m, k]
    votes = np.zeros(len(labels) * num_classes)
    counted = 0
    for k in sorted(neighbors):
        part = slice(counted, k)
        votes += np.bincount(
            cells[:, part].ravel(), weight[:, part].ravel(), len(votes)
        )
        counted = k
        yield k, votes.reshape(-1, num_classes)
