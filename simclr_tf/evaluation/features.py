"""Features of a whole split, computed once.

Dimension letters: `n` images, `D` feature, `K` classes.
"""

import typing

import numpy as np

MIN_DEVIATION = 1e-6
"""A feature that varies less is constant: float32 rounds about as much."""


class Features(typing.NamedTuple):
    """Frozen features beside their labels.

    Attributes:
        values: float32 [n, D].
        labels: int32 [n]; of images with several labels, number [n, K], see
            `metrics.mean_average_precision`.
    """

    values: np.ndarray
    labels: np.ndarray

    def take(self, indices):
        """The rows at `indices`."""
        return Features(self.values[indices], self.labels[indices])


class Scaling(typing.NamedTuple):
    """Maps every feature to mean 0, variance 1 over some images.

    Attributes:
        mean: float [D].
        factor: float [D], 1 / standard deviation; 0 for a feature that never
            varies.
    """

    mean: np.ndarray
    factor: np.ndarray

    def apply(self, values):
        """float32 [n, D] -> float32 [n, D]."""
        return ((values - self.mean) * self.factor).astype(np.float32)


def extract(encode, dataset):
    """Runs an encoder over an evaluation dataset, in order.

    Args:
        encode: float32 [b, S, S, 3] in [0, 1] -> float32 [b, D].
        dataset: batches with "images", "labels" int32 [b] and "mask" float32
            [b], 0 for padding rows, which are left out.

    Returns:
        `Features` of all images.
    """
    named = extract_named(lambda images: {"features": encode(images)}, dataset)
    return named["features"]


def extract_named(encode, dataset):
    """As `extract`, for several outputs in one pass.

    An output [b, H, W, C], such as that of a block group, is averaged over
    its pixels.

    Args:
        encode: float32 [b, S, S, 3] in [0, 1] -> dict of name -> float
            [b, D] or [b, H, W, C], such as `models.simclr.SimCLR.endpoints`.
        dataset: as of `extract`.

    Returns:
        dict of name -> `Features`, all with the same labels.
    """
    values, labels = {}, []
    for batch in dataset:
        real = batch["mask"].numpy() > 0
        labels.append(batch["labels"].numpy()[real])
        for name, output in encode(batch["images"]).items():
            values.setdefault(name, []).append(_pooled(output)[real])
    labels = np.concatenate(labels)
    return {
        name: Features(np.concatenate(parts), labels)
        for name, parts in values.items()
    }


def concatenate(*parts):
    """The images of several `Features`, one after the other."""
    return Features(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def scaling_of(train):
    """The `Scaling` to mean 0, variance 1 over `train`; uses no labels."""
    mean = train.values.mean(axis=0)
    std = train.values.std(axis=0)
    varies = std > MIN_DEVIATION
    return Scaling(mean, np.where(varies, 1 / np.where(varies, std, 1), 0))


def standardize(train, *others):
    """Scales every feature to mean 0, variance 1 over the training images.

    Uses no labels. A feature that never varies becomes 0.

    Args:
        train: `Features` that set mean and variance.
        *others: `Features` scaled by the same numbers.

    Returns:
        A list, `train` first.
    """
    scaling = scaling_of(train)
    return [
        Features(scaling.apply(f.values), f.labels) for f in (train, *others)
    ]


def _pooled(output):
    output = np.asarray(output).astype(np.float32)  # bfloat16 has no mean
    return output.mean(axis=(1, 2)) if output.ndim == 4 else output
