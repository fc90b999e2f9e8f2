"""Cross-entropy with integer labels, and top-k accuracy.

Dimension letters: `b` images of this replica, `K` classes.
"""

import tensorflow as tf


def cross_entropy(logits, labels):
    """Softmax cross-entropy, mean over the local images.

    Args:
        logits: float [b, K], cast to float32.
        labels: int [b], each in [0, K).

    Returns:
        float32 [], nats; log K for uniform logits.

    Source: official tf2/objective.py (`add_supervised_loss`).
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=labels, logits=tf.cast(logits, tf.float32)
    )
    return tf.reduce_mean(losses)


def top_k_hits(logits, labels, *, k=1):
    """Whether each label is among the k best classes.

    Of equal logits the lower class wins, so logits that are all alike, as a
    zero-initialised layer gives, count as one guess and not as K hits.

    Args:
        logits: float [b, K].
        labels: int [b], each in [0, K).
        k: how many classes count; all of them where k > K.

    Returns:
        float32 [b] of 0 and 1, to be averaged or masked.
    """
    best = tf.math.top_k(logits, min(k, logits.shape[1])).indices  # [b, k]
    hits = best == tf.cast(labels, best.dtype)[:, tf.newaxis]
    return tf.cast(tf.reduce_any(hits, axis=1), tf.float32)


def top_k_accuracy(logits, labels, *, k=1):
    """Mean of `top_k_hits`, float32 [], 0-1."""
    return tf.reduce_mean(top_k_hits(logits, labels, k=k))
