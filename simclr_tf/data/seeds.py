"""Random generators: every use of a seed has a domain of its own.

Two subsets drawn with one seed have to be independent: were the held-out part
of an evaluation drawn by the numbers that drew the labels of fine-tuning, it
would hold the images that were trained on.

The training stream has generators of its own, see `augment.draws` and
`data.order`.
"""

import enum
import hashlib

import numpy as np


class Domain(enum.Enum):
    """What random numbers are used for."""

    LABELS = "labels seen in training"
    PROTOCOL_LABELS = "label draws of the frozen protocol"
    HOLD_OUT = "held-out part that settings are chosen on"
    FOLDS = "folds of a cross-validation"
    MONITOR_SAMPLE = "images of the kNN monitor"
    MONITOR_HOLD_OUT = "queries of the kNN monitor"
    BASELINE_WEIGHTS = "weights of an untrained network"
    BASELINE_SAMPLE = "images of an untrained network's statistics"
    SIGNIFICANCE = "patterns of a permutation test"


def generator(seed, domain, index=0):
    """A generator that no other (seed, domain, index) shares.

    Label draws are numpy's generator of the bare seed, so that the lists of
    images which former runs have written (`labels.txt`) stay valid. All
    others are seeded by a hash, whose 256 bits cannot be a bare seed; nor
    does it matter there that numpy takes [seed] and [seed, 0] for the same.

    Args:
        seed: int >= 0.
        domain: a `Domain`.
        index: int >= 0, of several draws of one kind; `Domain.LABELS` has one.

    Returns:
        A `numpy.random.Generator`.

    Raises:
        ValueError: if a draw of `Domain.LABELS` has an index.
    """
    if domain is Domain.LABELS:
        if index:
            raise ValueError(f"index must be 0 for {domain}; got {index}")
        return np.random.default_rng(seed)
    return np.random.default_rng(_hash(seed, domain, index))


def derive(seed, domain):
    """A seed for other generators than numpy's, such as those of Keras.

    Args:
        seed: int >= 0.
        domain: a `Domain`.

    Returns:
        int in [0, 2^31).
    """
    return _hash(seed, domain, 0) % 2**31


def _hash(seed, domain, index):
    """int in [0, 2^256)."""
    words = f"{domain.name} {seed} {index}"
    return int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
