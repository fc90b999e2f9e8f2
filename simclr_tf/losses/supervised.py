"""Cross-entropy and accuracy, with one class per image or with several.

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


def binary_cross_entropy(logits, labels):
    """K yes-or-no cross-entropies of each image, mean over the local images.

    Args:
        logits: float [b, K], cast to float32.
        labels: int [b, K]: 1 for a class that is seen, 0 for one that is not,
            negative for one that counts neither way.

    Returns:
        float32 [], nats per class: a sum over the classes that count, divided
        by K; log 2 for logits of 0 where all count.
    """
    counted = tf.cast(labels >= 0, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(
        labels=tf.cast(labels > 0, tf.float32),
        logits=tf.cast(logits, tf.float32),
    )  # [b, K]
    return tf.reduce_mean(losses * counted)


def binary_accuracy(logits, labels):
    """Share of the classes that count for which the sign is right.

    Args:
        logits: float [b, K]; above 0 is yes.
        labels: as of `binary_cross_entropy`.

    Returns:
        float32 [], the mean over images of each one's share; 1 for an image
        of which no class counts.
    """
    is_right = tf.equal(logits > 0, labels > 0) | (labels < 0)
    wrong = tf.reduce_sum(tf.cast(~is_right, tf.float32), axis=1)  # [b]
    counted = tf.reduce_sum(tf.cast(labels >= 0, tf.float32), axis=1)
    return tf.reduce_mean(1 - tf.math.divide_no_nan(wrong, counted))


def one_class(logits, labels):
    """(`cross_entropy`, top-1 accuracy): what training on labels minimises."""
    return cross_entropy(logits, labels), top_k_accuracy(logits, labels)


def several_classes(logits, labels):
    """The same for images that show several: `binary_cross_entropy`."""
    return (
        binary_cross_entropy(logits, labels),
        binary_accuracy(logits, labels),
    )
