"""Predictions example by example, to be compared with those of other runs.

Dimension letters: `n` examples, `k` best classes.
"""

import typing

import numpy as np

from simclr_tf import errors
from simclr_tf.evaluation import npz_file

SHOWN = 3
"""Odd examples named in an error."""


class Predictions(typing.NamedTuple):
    """What a run said of every example.

    Attributes:
        examples: [n] int64 indices in the split, or str file names; unique.
        labels: int32 [n].
        predicted: int32 [n].
        top_classes: int32 [n, k], the best classes, best first; k may be 0.
        top_logits: float32 [n, k], their logits.
    """

    examples: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    top_classes: np.ndarray
    top_logits: np.ndarray

    @property
    def correct(self):
        """bool [n]."""
        return self.predicted == self.labels

    def top_k_hits(self, k):
        """Whether each label is among the k best classes that are kept.

        Args:
            k: at most the `top_k` of `from_logits`, or any number of classes
                where all are kept.

        Returns:
            bool [n].
        """
        return (self.top_classes[:, :k] == self.labels[:, None]).any(axis=1)


def from_logits(logits, labels, *, examples=None, top_k=5):
    """Makes the `Predictions` of a classifier.

    Args:
        logits: float [n, K].
        labels: int [n].
        examples: as in `Predictions`; None for 0 to n - 1.
        top_k: how many classes to keep the logits of, at most K.
    """
    if examples is None:
        examples = np.arange(len(labels))
    order = np.argsort(-logits, axis=1, kind="stable")  # lower class on a tie
    top = order[:, :top_k]
    return Predictions(
        np.asarray(examples),
        np.asarray(labels, np.int32),
        order[:, 0].astype(np.int32),
        top.astype(np.int32),
        np.take_along_axis(logits, top, axis=1).astype(np.float32),
    )


def concatenate(parts):
    """The examples of several `Predictions`, one part after the other."""
    return Predictions(*map(np.concatenate, zip(*parts, strict=True)))


def save(path, predictions):
    """Writes an npz file, whole or not at all."""
    npz_file.save(path, predictions._asdict())


def load(path):
    """Reads a file of `save`.

    Raises:
        errors.UserError: if it is missing, damaged or of another kind.
    """
    try:
        arrays = npz_file.load(path)
        found = Predictions(**{n: arrays[n] for n in Predictions._fields})
    except npz_file.DAMAGE as error:
        raise errors.UserError(
            f"predictions must be read from a file of predictions; "
            f"{str(path)!r} is none ({type(error).__name__})"
        ) from error
    if len({len(column) for column in found}) != 1:
        raise errors.UserError(
            f"predictions must have one entry per example; {str(path)!r} "
            f"has columns of different lengths"
        )
    return found


def aligned(ours, theirs):
    """Their predictions in the order of our examples.

    Args:
        ours: `Predictions`.
        theirs: `Predictions` of the same examples in any order.

    Raises:
        errors.UserError: if the examples or their labels differ.
    """
    both = (ours.examples, theirs.examples)
    odd = []
    for mine, other in (both, both[::-1]):
        odd += sorted(set(mine.tolist()) - set(other.tolist()), key=str)
    if odd or len(ours.examples) != len(theirs.examples):
        raise errors.UserError(
            f"predictions to compare must be of the same examples; got "
            f"{len(ours.examples)} and {len(theirs.examples)}, "
            f"{len(odd)} in one alone{_named(odd)}"
        )
    place = {name: row for row, name in enumerate(theirs.examples.tolist())}
    order = np.array([place[name] for name in ours.examples.tolist()], int)
    theirs = Predictions(*(column[order] for column in theirs))
    wrong = ours.examples[ours.labels != theirs.labels].tolist()
    if wrong:
        raise errors.UserError(
            f"predictions to compare must be of the same labels; "
            f"{len(wrong)} examples have others{_named(wrong)}"
        )
    return theirs


def _named(examples):
    names = ", ".join(str(name) for name in examples[:SHOWN])
    return f" ({names})" if names else ""
