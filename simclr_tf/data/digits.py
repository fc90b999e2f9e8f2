"""Scikit-learn's 1,797 handwritten digits: real images, no download."""

import numpy as np

from simclr_tf import errors
from simclr_tf.data import sources, splits

NAME = "digits"
SPLITS = ("train", "test")
NUM_TEST = 360
"""A fifth of the images, in equal shares of every class."""
_SPLIT_SEED = 0
_MAX_GRAY = 16  # load_digits counts ink from 0 to 16


def open_digits(split):
    """Opens the embedded set.

    Args:
        split: "train" (1,437 images) or "test" (360), sliced or joined.

    Returns:
        `ArraySource` of 8 x 8 images.

    Raises:
        errors.UserError: if the split is another.

    Source: UCI optical recognition of handwritten digits, test part, as
        packaged by scikit-learn.
    """
    # Slow to import, and needed for this set alone.
    from sklearn import datasets

    scans = datasets.load_digits()
    members = _members(scans.target)
    chosen = []
    for part in splits.parse(split):
        if part.name not in members:
            raise errors.UserError(
                f"split must be one of {', '.join(members)} for {NAME!r}; "
                f"got {split!r}"
            )
        of_part = members[part.name]
        chosen.append(of_part[part.indices(len(of_part))])
    chosen = np.concatenate(chosen)
    gray = np.round(scans.images[chosen] * (255 / _MAX_GRAY)).astype(np.uint8)
    return sources.ArraySource(
        name=NAME,
        split=split,
        num_examples=len(chosen),
        num_classes=len(scans.target_names),
        class_names=tuple(str(name) for name in scans.target_names),
        images=np.repeat(gray[..., np.newaxis], 3, axis=-1),
        labels=scans.target[chosen].astype(np.int32),
    )


def _members(labels):
    """The fixed stratified split: dict of name -> indices, rising."""
    from sklearn import model_selection

    parts = model_selection.train_test_split(
        np.arange(len(labels)),
        test_size=NUM_TEST,
        stratify=labels,
        random_state=_SPLIT_SEED,
    )
    return {
        name: np.sort(part) for name, part in zip(SPLITS, parts, strict=True)
    }
