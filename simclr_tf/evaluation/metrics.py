"""Accuracies that do not depend on how examples were batched."""

import numpy as np


def top_k_hits(logits, labels, *, k):
    """Whether the true class is among the k largest logits.

    A class tied with the true one counts as larger only if its index is
    lower, so the count does not depend on the sorting algorithm.

    Args:
        logits: float [n, K].
        labels: int [n].
        k: >= 1; with k >= K every example is a hit.

    Returns:
        bool [n].
    """
    true = np.take_along_axis(logits, labels[:, None], axis=1)  # [n, 1]
    earlier = np.arange(logits.shape[1])[None] < labels[:, None]
    above = (logits > true) | ((logits == true) & earlier)
    return above.sum(axis=1) < k
