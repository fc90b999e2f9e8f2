"""Losses that NT-Xent was compared with.

Dimension letters: `M` rows, `P` projection width.
"""

import tensorflow as tf

from simclr_tf import matmul


def triplet_semi_hard(embeddings, labels, *, margin=1.0):
    """Triplet margin loss with semi-hard negatives.

    For every anchor a and positive p, another row of the same label, with
    squared distances d,

        l_ap = max(0, margin + d_ap - d_an),

    where n is the nearest negative of a that is farther than p; where none
    is, the farthest negative. Per anchor the negatives are sorted and looked
    up, so that memory grows with the square of M and not with its cube.

    Args:
        embeddings: float [M, P], cast to float32; rows of norm 1, which is
            left to the caller.
        labels: int [M]. To compare views, give both views of an image one
            label.
        margin: m >= 0, in squared distance.

    Returns:
        float32 [], mean of l_ap over all pairs (a, p). Pairs whose anchor has
        no negative count with loss 0; 0 where there is no pair.

    Source: Schroff et al. 2015 (arXiv:1503.03832), section 3.2; Chen et al.
    2020a, table 4, "Margin (sh)"; TensorFlow Addons 0.23, losses/triplet.py
    (`triplet_semihard_loss`), which counts an anchor without negatives as if
    it had one at distance 0.
    """
    rows = tf.cast(embeddings, tf.float32)
    distances = _squared_distances(rows)  # [M, M]
    labels = tf.convert_to_tensor(labels)
    same = labels[:, tf.newaxis] == labels  # [M, M]
    to_negative = _semi_hard(distances, ~same)  # [M, M]
    losses = tf.nn.relu(margin + distances - to_negative)
    itself = tf.eye(tf.shape(rows)[0], dtype=tf.bool)
    pairs = tf.cast(same & ~itself, tf.float32)
    total = tf.reduce_sum(losses * pairs)
    return tf.math.divide_no_nan(total, tf.reduce_sum(pairs))


def _semi_hard(distances, is_negative):
    """For each pair (a, p) [M, M] the distance of a to the negative it meets.

    Infinite for anchors without negatives.
    """
    infinite = tf.constant(float("inf"))
    negatives = tf.sort(tf.where(is_negative, distances, infinite), axis=1)
    num_negatives = tf.reduce_sum(
        tf.cast(is_negative, tf.int32), axis=1, keepdims=True
    )  # [M, 1]
    # The first that is farther than p, or the last there is.
    index = tf.searchsorted(negatives, distances, side="right")  # [M, M]
    index = tf.maximum(tf.minimum(index, num_negatives - 1), 0)
    return tf.gather(negatives, index, batch_dims=1)


def _squared_distances(rows):
    """|u - v|^2 of all pairs, [M, M], at least 0, exactly 0 on the diagonal."""
    products = matmul.full_precision_matmul(rows, rows, transpose_b=True)
    norms = tf.linalg.diag_part(products)  # [M]
    squares = norms[:, tf.newaxis] - 2.0 * products + norms
    return tf.nn.relu(squares)
