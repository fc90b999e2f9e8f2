"""Weighted k-nearest-neighbour classification.

Neighbour i with cosine s_i votes exp(s_i / temperature) for its class.

Dimension letters: `n` training images, `m` queries, `D` feature, `K` classes,
`k` neighbours.

Source: Wu et al. 2018 (arXiv:1805.01978), section 3.4.
"""

import numpy as np
from absl import logging

QUERIES_PER_CHUNK = 512
"""Rows of the similarity matrix held at once."""
NEIGHBORS = (1, 5, 10, 20, 50, 100, 200)
TEMPERATURES = (0.02, 0.05, 0.07, 0.1, 0.2, 0.5)
"""The grid, around the usual 200 and 0.1 (or 0.07)."""
PRIOR_VOTES = 0.1
"""Votes spread over all classes, for probabilities: a class without votes is
not impossible. The nearest neighbour has one vote. A whole vote would make a
single neighbour look unsure and favour many; 0.03 to 0.3 choose alike on
digits."""


def warn_of_few_images(neighbors, num_train):
    """Warns where there are fewer training images than neighbours.

    Args:
        neighbors: k.
        num_train: n, images of the training set.
    """
    if neighbors > num_train:
        logging.warning(
            "knn_neighbors=%d is more than the %d training images: all of "
            "them vote",
            neighbors,
            num_train,
        )


def predict(train, queries, *, num_classes, neighbors=200, temperature=0.1):
    """Votes of the most similar training images, weighted by similarity.

    Args:
        train: `features.Features`, [n, D].
        queries: float32 [m, D].
        num_classes: K.
        neighbors: k; all training images vote where there are fewer, as in
            a draw of few labels; see `warn_of_few_images`.
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
    found = {(k, t): [] for k in neighbors for t in temperatures}
    for _, setting, votes in _votes(
        train, queries, num_classes, neighbors, temperatures
    ):
        found[setting].append(votes.argmax(axis=1))
    return {setting: np.concatenate(parts) for setting, parts in found.items()}


def held_out_grid(train, held, *, num_classes, neighbors, temperatures):
    """Predictions and log-likelihoods of held-out images at every setting.

    The probability of a class is its share of the votes and of `PRIOR_VOTES`
    more, which are spread over all classes.

    Args:
        train: `features.Features`, [n, D].
        held: `features.Features`, [m, D].
        num_classes: K.
        neighbors: numbers k >= 1.
        temperatures: numbers > 0.

    Returns:
        dict of (k, temperature) -> (classes int64 [m], log-likelihoods of
        the labels float64 [m], nats).
    """
    found = {(k, t): [] for k in neighbors for t in temperatures}
    for rows, setting, votes in _votes(
        train, held.values, num_classes, neighbors, temperatures
    ):
        labels = held.labels[rows]
        own = votes[np.arange(len(votes)), labels]
        total = votes.sum(axis=1) + PRIOR_VOTES
        share = (own + PRIOR_VOTES / num_classes) / total
        found[setting].append((votes.argmax(axis=1), np.log(share)))
    return {
        setting: tuple(map(np.concatenate, zip(*parts, strict=True)))
        for setting, parts in found.items()
    }


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


def normalize(rows):
    """Rows of unit length, [n, D]; a zero row stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(length, 1e-12)


def _votes(train, queries, num_classes, neighbors, temperatures):
    """Yields (rows, (k, temperature), votes float64 [rows, K]), by chunks.

    The votes are only valid until the next are asked for.
    """
    bank = normalize(train.values)
    for start in range(0, len(queries), QUERIES_PER_CHUNK):
        rows = slice(start, start + QUERIES_PER_CHUNK)
        chunk = normalize(queries[rows])
        cosine, nearest = _search(bank, chunk, max(neighbors))
        labels = train.labels[nearest]
        for t in temperatures:
            weight = np.exp((cosine - cosine[:, :1]) / t)
            for k, votes in _cumulative_votes(
                weight, labels, neighbors, num_classes
            ):
                yield rows, (k, t), votes


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
