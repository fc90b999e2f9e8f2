"""Features of a whole split, computed once.

Dimension letters: `n` images, `D` feature.
"""

import typing

import numpy as np


class Features(typing.NamedTuple):
    """Frozen features beside their labels.

    Attributes:
        values: float32 [n, D].
        labels: int32 [n].
    """

    values: np.ndarray
    labels: np.ndarray

    def take(self, indices):
        """The rows at `indices`."""
        return Features(self.values[indices], self.labels[indices])


def extract(encode, dataset):
    """Runs an encoder over an evaluation dataset, in order.

    Args:
        encode: float32 [b, S, S, 3] in [0, 1] -> float32 [b, D].
        dataset: batches with "images", "labels" int32 [b] and "mask" float32
            [b], 0 for padding rows, which are left out.

    Returns:
        `Features` of all images.
    """
    values, labels = [], []
    for batch in dataset:
        real = batch["mask"].numpy() > 0
        values.append(np.asarray(encode(batch["images"]))[real])
        labels.append(batch["labels"].numpy()[real])
    return Features(np.concatenate(values), np.concatenate(labels))


def standardize(train, *others):
    """Scales every feature to mean 0, variance 1 over the training images.

    Uses no labels. A feature that never varies becomes 0.

    Args:
        train: `Features` that set mean and variance.
        *others: `Features` scaled by the same numbers.

    Returns:
        A list, `train` first.
    """
    mean = train.values.mean(axis=0)
    std = train.values.std(axis=0)
    scale = np.where(std > 1e-6, 1 / np.maximum(std, 1e-6), 0)
    return [
        Features(((f.values - mean) * scale).astype(np.float32), f.labels)
        for f in (train, *others)
    ]
