"""NT-Xent, the contrastive loss, over the batch of all replicas.

Dimension letters: `b` images of this replica, `B` images of all replicas,
`P` projection width. An image has two views, hence 2b and 2B rows.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from simclr_tf import distribution, matmul

_ENTROPY_EPSILON = 1e-8  # inside the log, as in official tf2/metrics.py


class NtXent(NamedTuple):
    """What every implementation of the loss returns.

    Attributes:
        loss: float32 [], nats.
        accuracy: float32 [], see `contrastive_accuracy`.
        entropy: float32 [], see `contrastive_entropy`.
    """

    loss: tf.Tensor
    accuracy: tf.Tensor
    entropy: tf.Tensor


def nt_xent(
    projections: tf.Tensor,
    *,
    temperature: float = 0.1,
    normalize: bool = True,
) -> NtXent:
    """Normalised temperature-scaled cross entropy over the global batch.

    For anchor i with positive j(i), over all 2B-1 other projections k,

        l_i = -log( exp(s_ij / t) / sum_{k != i} exp(s_ik / t) ),  s = cosine.

    Args:
        projections: float [2b, P], cast to float32. Rows r and r + b are the
            views of image r.
        temperature: t > 0, dimensionless.
        normalize: L2-normalise rows first; otherwise s is the inner product.

    Returns:
        `NtXent(loss, accuracy, entropy)`: loss float32 [] in nats, mean of
        l_a + l_b over the local images (twice the paper's mean, as in the
        official code); the metrics are of the local first views.

    Raises:
        ValueError: if `temperature` <= 0 or the static row count is odd.

    Distribution: call in replica context; gradients flow through the gather.
    With the loss divided by the replica count and gradients summed over
    replicas, k replicas give the gradient of one. Float32 throughout, also
    in the matrix products of accelerators (see `matmul`).
    Source: Chen et al. 2020a, Eq. 1 and Algorithm 1; official
    tf2/objective.py.
    """
    check_arguments(projections, temperature)
    rows = as_rows(projections, normalize=normalize)
    others, own, positive = gather_rows(rows)
    num_local, num_global = tf.shape(rows)[0] // 2, tf.shape(others)[0] // 2

    logits = matmul.full_precision_matmul(rows, others, transpose_b=True)
    logits /= temperature  # [2b, 2B]
    is_own = tf.range(2 * num_global) == own[:, tf.newaxis]  # [2b, 2B]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=positive, logits=tf.where(is_own, tf.float32.min, logits)
    )  # [2b]
    across = logits[:num_local, num_global:]  # [b, B]
    return NtXent(
        loss=2.0 * tf.reduce_mean(losses),
        accuracy=contrastive_accuracy(across, own[:num_local]),
        entropy=contrastive_entropy(across),
    )


def contrastive_accuracy(logits, labels):
    """Share of first views whose best match among second views is their own.

    Ranks B candidates, not the 2B-1 of the loss, as in the official code.

    Args:
        logits: float32 [b, B], similarities of the local first views with
            all second views.
        labels: int32 [b], the column of each row's positive.

    Returns:
        float32 [], 0-1; chance level is 1 / B.

    Source: official tf2/metrics.py.
    """
    best = tf.argmax(logits, axis=1, output_type=tf.int32)  # [b]
    return tf.reduce_mean(tf.cast(best == labels, tf.float32))


def contrastive_entropy(logits):
    """Mean entropy of the distribution over the B candidates, in nats.

    Args:
        logits: float32 [b, B], similarities over temperature.

    Returns:
        float32 [], from 0 (certain) to log B (uniform).

    Source: official tf2/metrics.py.
    """
    probabilities = tf.nn.softmax(logits)  # [b, B]
    logs = tf.math.log(probabilities + _ENTROPY_EPSILON)
    return -tf.reduce_mean(tf.reduce_sum(probabilities * logs, axis=1))


def chance_loss(num_images):
    """The loss when all projections are alike, 2 log(2N - 1) nats.

    Args:
        num_images: N, images in the global batch.

    Returns:
        float; a loss that stays at it means nothing is learnt.
    """
    return 2.0 * math.log(2 * num_images - 1)


def chance_accuracy(num_images):
    """`contrastive_accuracy` of a guess among N candidates, 0-1.

    Args:
        num_images: N, images in the global batch.
    """
    return 1.0 / num_images


def check_arguments(projections, temperature):
    """Raises ValueError for a bad temperature or an odd number of rows."""
    if isinstance(temperature, bool) or not _is_positive(temperature):
        raise ValueError(f"temperature must be > 0; got {temperature!r}")
    shape = tf.TensorShape(projections.shape)
    if shape.rank not in (None, 2):
        raise ValueError(f"projections must be [2b, P]; got shape {shape}")
    num_rows = shape[0] if shape.rank else None
    if num_rows is not None and num_rows % 2:
        raise ValueError(
            f"projections must have two rows per image; got {num_rows} rows"
        )


def _is_positive(number):
    try:
        return bool(number > 0)
    except TypeError:
        return False


def as_rows(projections, *, normalize):
    """float32 rows, of length 1 if `normalize`."""
    rows = tf.cast(projections, tf.float32)
    return tf.math.l2_normalize(rows, axis=1) if normalize else rows


def gather_rows(rows):
    """The rows of all replicas, and where the local ones stand among them.

    Args:
        rows: float32 [2b, P], view 1 above view 2.

    Returns:
        (float32 [2B, P], all first views above all second views; int32 [2b],
        the place of each local row; int32 [2b], that of its positive).
    """
    views = tf.stack(tf.split(rows, 2), axis=1)  # [b, 2, P]
    gathered = distribution.gather(views)  # [B, 2, P]
    others = tf.concat([gathered[:, 0], gathered[:, 1]], axis=0)  # [2B, P]
    num_local, num_global = tf.shape(views)[0], tf.shape(gathered)[0]
    first = tf.range(num_local) + distribution.replica_index() * num_local
    second = first + num_global
    own = tf.concat([first, second], axis=0)  # [2b]
    positive = tf.concat([second, first], axis=0)  # [2b]
    return others, own, positive
