"""Weighted k-nearest-neighbour classification.

Dimension letters: `n` training images, `m` queries, `D` feature, `K` classes,
`k` neighbours.
"""

import numpy as np

QUERIES_PER_CHUNK = 512
"""Rows of the similarity matrix held at once."""


def predict(train, queries, *, num_classes, neighbors=200, temperature=0.1):
    """Votes of the most similar training images, weighted by similarity.

    Neighbour i with cosine s_i votes exp(s_i / temperature) for its class.

    Args:
        train: `features.Features`, [n, D].
        queries: float32 [m, D].
        num_classes: K.
        neighbors: k; all training images vote where there are fewer.
        temperature: > 0, dimensionless.

    Returns:
        int64 [m]: the class with most votes, the lowest on a tie.

    Source: Wu et al. 2018 (arXiv:1805.01978), section 3.4.
    """
    bank = normalize(train.values)
    labels = np.eye(num_classes, dtype=np.float32)[train.labels]  # [n, K]
    k = min(neighbors, len(bank))
    chunks = []
    for start in range(0, len(queries), QUERIES_PER_CHUNK):
        chunk = normalize(queries[start : start + QUERIES_PER_CHUNK])
        similarity = chunk @ bank.T  # [chunk, n]
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        cosine = np.take_along_axis(similarity, nearest, axis=1)
        weight = np.exp((cosine - cosine.max(1, keepdims=True)) / temperature)
        votes = np.einsum("qk,qkc->qc", weight, labels[nearest])
        chunks.append(votes.argmax(axis=1))
    return np.concatenate(chunks)


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
