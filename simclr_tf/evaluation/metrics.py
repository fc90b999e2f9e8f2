"""Scores of predictions, in numpy.

Dimension letters: `n` images, `K` classes.
"""

import typing

import numpy as np
from scipy import sparse, stats
from sklearn import metrics as sklearn_metrics

RECALLS = tuple(level / 10 for level in range(11))
"""Where the interpolated precision is read."""
RECALL_ROUNDING = 1e-9
"""3 of 10 positives is a recall of 0.3, whatever the last digit says."""


class Interval(typing.NamedTuple):
    """A mean over seeds.

    Attributes:
        mean: float.
        half_width: of the confidence interval mean +- half_width; None for a
            single value, which says nothing of its spread.
        num_values: how many.
    """

    mean: float
    half_width: float | None
    num_values: int

    def __str__(self):
        """The mean and, where there is one, the half width."""
        if self.half_width is None:
            return f"{self.mean:.4f}"
        return f"{self.mean:.4f} ± {self.half_width:.4f}"


def top_k_hits(logits, labels, *, k=1):
    """Whether each label is among the k best classes.

    Of equal logits the lower class wins, as in `losses.supervised`; an image
    with a logit that is no number is a miss.

    Args:
        logits: float [n, K].
        labels: int [n].
        k: how many classes count.

    Returns:
        bool [n].
    """
    labels = np.asarray(labels)[:, np.newaxis]
    own = np.take_along_axis(logits, labels, axis=1)
    ahead = (logits == own) & (np.arange(logits.shape[1]) < labels)
    rank = ((logits > own) | ahead).sum(axis=1)
    return (rank < k) & ~np.isnan(logits).any(axis=1)


def top_k_accuracy(logits, labels, *, k=1, mask=None):
    """Mean of `top_k_hits`, in [0, 1].

    Args:
        logits: float [n, K].
        labels: int [n]; any class where masked.
        k: how many classes count.
        mask: float or bool [n], 0 for rows that pad a batch.
    """
    return float(np.average(top_k_hits(logits, labels, k=k), weights=mask))


def accuracy(logits, labels):
    """Fraction of labels with the largest logit, in [0, 1]."""
    return top_k_accuracy(logits, labels)


def confusion_matrix(predicted, labels, *, num_classes, mask=None):
    """How often each class was taken for each.

    Args:
        predicted: int [n].
        labels: int [n].
        num_classes: K.
        mask: float or bool [n], 0 for rows that do not count.

    Returns:
        int64 [K, K], a `scipy.sparse.csr_array` of at most n entries with
        sorted columns: row the label, column the prediction.
    """
    real = np.ones(len(labels), bool) if mask is None else mask > 0
    pairs = labels[real].astype(np.int64) * num_classes + predicted[real]
    pairs, counts = np.unique(pairs, return_counts=True)
    return sparse.csr_array(
        (counts.astype(np.int64), np.divmod(pairs, num_classes)),
        shape=(num_classes, num_classes),
    )


def per_class_accuracy(confusion):
    """Fraction of each class that was recognised.

    Args:
        confusion: sparse int [K, K] of `confusion_matrix`.

    Returns:
        float64 [K], NaN for a class without images.
    """
    total = confusion.sum(axis=1)
    right = confusion.diagonal() / np.maximum(total, 1)
    return np.where(total > 0, right, np.nan)


def mean_per_class_accuracy(logits, labels):
    """Mean over the classes that have images of the fraction recognised.

    Args:
        logits: float [n, K].
        labels: int [n].
    """
    confusion = confusion_matrix(
        logits.argmax(axis=1), labels, num_classes=logits.shape[1]
    )
    return float(np.nanmean(per_class_accuracy(confusion)))


def average_precision(scores, labels):
    """Precision over recall, read at recalls 0, 0.1, ..., 1.

    At each recall the best precision at this or a higher recall counts, 0
    where it is never reached. Images of equal score are taken in at once.

    Args:
        scores: float [n], more being surer.
        labels: [n], 1 where the class is seen, 0 where it is not; negative
            for difficult images, which count neither way.

    Returns:
        A number in [0, 1]; NaN without a positive image.

    Source: Everingham et al. 2010 (PASCAL VOC), section 4.2, as up to 2009.
    """
    real = labels >= 0
    if not (labels > 0).any():
        return float("nan")
    # Ranks do for scores, which may be infinite; no number is not sure at all.
    surest_last = np.where(np.isnan(scores[real]), -np.inf, scores[real])
    ranks = np.unique(surest_last, return_inverse=True)[1]
    precision, recall, _ = sklearn_metrics.precision_recall_curve(
        labels[real] > 0, ranks
    )
    precision, recall = precision[:-1], recall[:-1]  # less the made-up (1, 0)
    reached = [
        precision[recall >= level - RECALL_ROUNDING] for level in RECALLS
    ]
    return float(np.mean([found.max(initial=0.0) for found in reached]))


def mean_average_precision(scores, labels):
    """Mean of `average_precision` over the classes that have positives.

    Args:
        scores: float [n, K].
        labels: [n, K]: 1 seen, 0 not seen, negative difficult.
    """
    columns = zip(scores.T, labels.T, strict=True)
    return float(np.nanmean([average_precision(s, y) for s, y in columns]))


def mean_interval(values, *, confidence=0.95):
    """Mean over seeds with its confidence interval, by Student's t.

    Args:
        values: numbers, one per seed.
        confidence: in (0, 1).

    Returns:
        An `Interval`.
    """
    values = np.asarray(values, np.float64)
    if len(values) == 1:
        return Interval(float(values[0]), None, 1)
    error = values.std(ddof=1) / np.sqrt(len(values))
    quantile = stats.t.ppf((1 + confidence) / 2, len(values) - 1)
    return Interval(float(values.mean()), float(quantile * error), len(values))


METRICS = {
    "accuracy": accuracy,
    "mean_per_class": mean_per_class_accuracy,
    "map": mean_average_precision,
}
"""Name -> function of (logits [n, K], labels), for tables of data sets."""
