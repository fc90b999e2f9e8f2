"""Which implementation of NT-Xent computes a batch: dense or streaming."""

import typing

from simclr_tf import errors
from simclr_tf.losses import ntxent, ntxent_streaming

NAMES = ("auto", "dense", "streaming")
STREAMING_MIN_PAIRS = (2 * 2048) ** 2
"""Rows of one replica times rows of all, from which the streaming loss is no
slower on a CPU, and saves memory: a batch of 2048 images on one replica. See
docs/performance.md."""


def choose(name: str, *, num_images: int, num_replicas: int) -> typing.Callable:
    """The function that a name stands for; all return an `ntxent.NtXent`.

    Args:
        name: one of `NAMES`; "auto" streams where `is_large`.
        num_images: of the batch of all replicas.
        num_replicas: among which it is divided.

    Raises:
        errors.UserError: for any other name.
    """
    if name not in NAMES:
        raise errors.UserError(
            f"nt_xent must be one of {', '.join(NAMES)}; got {name!r}"
        )
    large = is_large(num_images, num_replicas=num_replicas)
    if name == "streaming" or (name == "auto" and large):
        return ntxent_streaming.nt_xent_streaming
    return ntxent.nt_xent


def is_large(num_images: int, *, num_replicas: int) -> bool:
    """Whether the pairs that one replica computes are worth streaming.

    Args:
        num_images: of the batch of all replicas.
        num_replicas: among which it is divided.
    """
    rows = 2 * num_images
    return rows * rows // num_replicas >= STREAMING_MIN_PAIRS
