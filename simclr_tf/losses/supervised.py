"""Cross-entropy and accuracy, with one class per image or with several.

A negative label means that the class of an image is not known. Such an image
has no part in a mean: neither in its sum nor in its count.

Dimension letters: `b` images of this replica, `K` classes.
"""

import tensorflow as tf

from simclr_tf import distribution


def labelled_per_replica(labels):
    """Labelled images of all replicas, divided by the number of replicas.

    A sum over the labelled images of one replica divided by this number is
    that replica's part of a global mean: the mean over replicas of these
    parts is the mean over all labelled images, wherever they lie.

    Args:
        labels: int [b], negative where there is none.

    Returns:
        float32 [].

    Distribution: call in replica context, on every replica.
    """
    count = tf.reduce_sum(tf.cast(labels >= 0, tf.float32))
    return distribution.all_reduce_sum(count) / distribution.num_replicas()


def cross_entropy(logits, labels, *, num_labelled=None):
    """Softmax cross-entropy, mean over the labelled images.

    Args:
        logits: float [b, K], cast to float32.
        labels: int [b], each below K, negative where there is none.
        num_labelled: what the sum is divided by, see `labelled_per_replica`;
            None for the labelled images among these.

    Returns:
        float32 [], nats; log K for uniform logits, 0 without a label.

    Source: official tf2/objective.py (`add_supervised_loss`).
    """
    labels = tf.convert_to_tensor(labels)
    losses = masked_entropy(logits, labels)
    return _labelled_mean(losses, labels, num_labelled)


def masked_entropy(logits, labels):
    """Cross-entropy where there is a label, 0 elsewhere: float32 [b].

    Args:
        logits: float [b, K].
        labels: int [b], negative where there is none.
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(labels, 0), logits=tf.cast(logits, tf.float32)
    )
    return tf.where(labels >= 0, losses, 0.0)


def top_k_hits(logits, labels, *, k=1):
    """Whether each label is among the k best classes.

    Of equal logits the lower class wins, so logits that are all alike, as a
    zero-initialised layer gives, count as one guess and not as K hits.

    Args:
        logits: float [b, K].
        labels: int [b], each below K, negative where there is none.
        k: how many classes count; all of them where k > K.

    Returns:
        float32 [b] of 0 and 1; 0 where there is no label.
    """
    best = tf.math.top_k(logits, min(k, logits.shape[1])).indices  # [b, k]
    hits = best == tf.cast(labels, best.dtype)[:, tf.newaxis]
    return tf.cast(tf.reduce_any(hits, axis=1), tf.float32)


def top_k_accuracy(logits, labels, *, k=1, num_labelled=None):
    """Mean of `top_k_hits` over the labelled images, float32 [], 0-1.

    Args:
        logits: as of `top_k_hits`.
        labels: as of `top_k_hits`.
        k: as of `top_k_hits`.
        num_labelled: as of `cross_entropy`.
    """
    hits = top_k_hits(logits, labels, k=k)
    return _labelled_mean(hits, labels, num_labelled)


def _labelled_mean(values, labels, num_labelled):
    """Sum of float32 [b], 0 where there is no label, over a count."""
    if num_labelled is None:
        num_labelled = tf.reduce_sum(tf.cast(labels >= 0, tf.float32))
    return tf.math.divide_no_nan(tf.reduce_sum(values), num_labelled)


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


def one_class(logits, labels, *, num_labelled=None):
    """(`cross_entropy`, top-1 accuracy): what training on labels minimises.

    Args:
        logits: float [b, K].
        labels: int [b], negative where there is none.
        num_labelled: as of `cross_entropy`; None for
            `labelled_per_replica(labels)`.

    Distribution: call in replica context; the mean over replicas is that over
    the labelled images of all.
    """
    if num_labelled is None:
        num_labelled = labelled_per_replica(labels)
    return (
        cross_entropy(logits, labels, num_labelled=num_labelled),
        top_k_accuracy(logits, labels, num_labelled=num_labelled),
    )


def several_classes(logits, labels):
    """The same for images that show several: `binary_cross_entropy`."""
    return (
        binary_cross_entropy(logits, labels),
        binary_accuracy(logits, labels),
    )
