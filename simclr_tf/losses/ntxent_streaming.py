"""NT-Xent without the N x N matrix: the same value and gradient, by tiles.

With Z the 2B rows of all replicas, S = Z Z' / t, and l_i the log-sum-exp of row
i of S without its own entry, the softmax of any tile can be made again from Z
and l alone, and the gradient of sum_i g_i loss_i is

    dZ_i = 1/t sum_k (g_i p_ik + g_k p_ki) z_k - (g_i + g_j) z_j / t

with p_ik = exp(s_ik - l_i) and j the positive of i. Both directions come out of
the same tile, so a replica makes the whole gradient of its own rows.

Dimension letters: `b` images of this replica, `B` images of all replicas, `P`
projection width, `T` rows of a tile.
"""

import math
import typing

import tensorflow as tf

from simclr_tf import distribution, matmul
from simclr_tf.losses import ntxent

TILE_ROWS = 1024
"""A tile of 4 MB, which stays in a cache between its making and its use."""
PADDING = -1
"""The place of a column that only fills a tile up."""


class _Rows(typing.NamedTuple):
    """Rows and where they stand.

    Attributes:
        local: float32 [2b, P], of this replica.
        all: float32 [2B, P], of all replicas.
        own: int32 [2b], where each local row stands among all.
        positive: int32 [2b], where its positive stands.
    """

    local: tf.Tensor
    all: tf.Tensor
    own: tf.Tensor
    positive: tf.Tensor


class _Tiling(typing.NamedTuple):
    """Inverse temperature, and the most rows of a tile."""

    scale: float
    num_rows: int


def nt_xent_streaming(
    projections: tf.Tensor,
    *,
    temperature: float = 0.1,
    normalize: bool = True,
    tile_rows: int = TILE_ROWS,
) -> ntxent.NtXent:
    """As `ntxent.nt_xent`, in memory O(2B P + T^2) instead of O(b B).

    Args:
        projections: see `ntxent.nt_xent`.
        temperature: see there.
        normalize: see there.
        tile_rows: T at most.

    Returns:
        `ntxent.NtXent`. The entropy is exact, where the official code adds
        1e-8 to every probability: they differ by at most 1e-8 B.

    Raises:
        ValueError: as `ntxent.nt_xent`.

    Distribution: as `ntxent.nt_xent`. The backward pass gathers four numbers
    of each image, and reduces no gradient of rows. XLA compiles it, as all
    tiles have one static size: the last one is padded.
    Source: see `ntxent.nt_xent`; the recomputation is this project's.
    """
    ntxent.check_arguments(projections, temperature)
    tiling = _Tiling(1.0 / temperature, tile_rows)

    @tf.custom_gradient
    def mean_loss(local):
        rows = _Rows(local, *ntxent.gather_rows(local))
        normalizers = _log_sum_exp(rows, tiling)  # [2b]
        partners = tf.gather(rows.all, rows.positive)  # [2b, P]
        closeness = tiling.scale * tf.reduce_sum(local * partners, axis=1)

        def gradient(upstream):
            num_rows = tf.cast(tf.shape(local)[0], tf.float32)
            weights = tf.fill(tf.shape(normalizers), 2.0 * upstream / num_rows)
            return _gradient(rows, partners, weights, normalizers, tiling)

        return 2.0 * tf.reduce_mean(normalizers - closeness), gradient

    local = ntxent.as_rows(projections, normalize=normalize)
    held = tf.stop_gradient(local)
    accuracy, entropy = _metrics(_Rows(held, *ntxent.gather_rows(held)), tiling)
    return ntxent.NtXent(mean_loss(local), accuracy, entropy)


def _gradient(rows, partners, weights, normalizers, tiling):
    """dZ of the local rows [2b, P], from the weight g of each row's loss."""
    all_weights, all_normalizers = _gather(weights, normalizers)  # [2B] each

    columns = (rows.all, all_weights, all_normalizers)

    def one_row_tile(local, own, weights, normalizers):
        def add(total, places, columns, column_weights, column_normalizers):
            scores = _scores(local, columns, tiling)  # [T, T]
            there = tf.exp(scores - normalizers[:, tf.newaxis])
            back = tf.exp(scores - column_normalizers)
            pull = weights[:, tf.newaxis] * there + column_weights * back
            pull = tf.where(_is_left_out(own, places), 0.0, pull)
            return total + matmul.full_precision_matmul(pull, columns)

        return _fold(add, tf.zeros_like(local), columns, tiling)

    tiled = (rows.local, rows.own, weights, normalizers)
    pulled = _map_rows(one_row_tile, tiled, tiling)  # [2b, P]
    both = weights + tf.gather(all_weights, rows.positive)  # g_i + g_j: [2b]
    return tiling.scale * (pulled - both[:, tf.newaxis] * partners)


def _log_sum_exp(rows, tiling):
    """log sum_k exp(s_ik) over k != i: [2b]."""

    def one_row_tile(local, own):
        def add(total, places, columns):
            scores = _scores(local, columns, tiling)  # [T, T]
            is_left_out = _is_left_out(own, places)
            others = tf.where(is_left_out, tf.float32.min, scores)
            return _log_add(total, tf.reduce_logsumexp(others, axis=1))

        start = tf.fill(tf.shape(own), tf.float32.min)
        return _fold(add, start, (rows.all,), tiling)

    return _map_rows(one_row_tile, (rows.local, rows.own), tiling)


def _metrics(rows, tiling):
    """Accuracy and entropy of first views among all second views."""
    num_local, num_all = tf.shape(rows.own)[0] // 2, tf.shape(rows.all)[0] // 2
    candidates = rows.all[num_all:]  # [B, P]
    labels = rows.own[:num_local]  # [b]

    def one_row_tile(local):
        def add(state, places, columns):
            best, place, normalizer, mean = state
            scores = _scores(local, columns, tiling)  # [T, T]
            scores = tf.where(places == PADDING, tf.float32.min, scores)
            index = tf.argmax(scores, axis=1, output_type=tf.int32)
            top = tf.gather(scores, index, batch_dims=1)
            place = tf.where(top > best, index + places[0], place)
            tile_normalizer = tf.reduce_logsumexp(scores, axis=1)
            weights = tf.exp(scores - tile_normalizer[:, tf.newaxis])
            tile_mean = tf.reduce_sum(weights * scores, axis=1)
            both = _log_add(normalizer, tile_normalizer)
            mean = mean * tf.exp(normalizer - both)
            mean += tile_mean * tf.exp(tile_normalizer - both)
            return tf.maximum(best, top), place, both, mean

        lowest = tf.fill(tf.shape(local)[:1], tf.float32.min)
        start = (
            lowest,
            tf.zeros_like(lowest, tf.int32),
            lowest,
            tf.zeros_like(lowest),
        )
        _, place, normalizer, mean = _fold(add, start, (candidates,), tiling)
        entropy = normalizer - mean
        return tf.stack([tf.cast(place, tf.float32), entropy], axis=1)

    found = _map_rows(one_row_tile, (rows.local[:num_local],), tiling)  # [b, 2]
    is_hit = found[:, 0] == tf.cast(labels, tf.float32)
    return tf.reduce_mean(tf.cast(is_hit, tf.float32)), tf.reduce_mean(
        found[:, 1]
    )


def _gather(*values):
    """Values of each local row [2b], of all rows [2B] as `_Rows.all`."""
    stacked = tf.stack(values, axis=1)  # [2b, n]
    by_image = tf.stack(tf.split(stacked, 2), axis=1)  # [b, 2, n]
    gathered = distribution.gather(by_image)  # [B, 2, n]
    by_view = tf.concat([gathered[:, 0], gathered[:, 1]], axis=0)  # [2B, n]
    return [by_view[:, index] for index in range(len(values))]


def _scores(local, columns, tiling):
    products = matmul.full_precision_matmul(local, columns, transpose_b=True)
    return tiling.scale * products  # [T, T]


def _is_left_out(own, places):
    """Whether a column is the row itself, or padding: [T, T]."""
    return (places == own[:, tf.newaxis]) | (places == PADDING)


def _log_add(a, b):
    """log(exp a + exp b) for finite a and b."""
    return tf.maximum(a, b) + tf.math.log1p(tf.exp(-tf.abs(a - b)))


def _map_rows(function, tensors, tiling):
    """Applies a function to tile after tile of rows, and joins the results.

    Args:
        function: of T rows of each tensor, returns float32 [T, ...].
        tensors: tuple of [n, ...].
        tiling: a `_Tiling`.

    Returns:
        float32 [n, ...].
    """
    num_rows = _num_rows(tensors[0])
    tiles = [_tiles(tensor, tiling) for tensor in tensors]
    num_tiles = _num_rows(tiles[0])

    def body(index, results):
        tile = function(*(each[index] for each in tiles))
        return index + 1, results.write(index, tile)

    _, results = tf.while_loop(
        lambda index, _: index < num_tiles,
        body,
        (tf.constant(0), tf.TensorArray(tf.float32, num_tiles)),
        parallel_iterations=1,
    )
    joined = results.stack()  # [tiles, T, ...]
    return tf.reshape(joined, [-1, *joined.shape[2:]])[:num_rows]


def _fold(add, start, tensors, tiling):
    """Folds `add(total, places, *T columns of each tensor)` over all columns.

    Args:
        add: returns the new total. `places` is int32 [T]: where the columns
            stand among all, or `PADDING`.
        start: the first total, a tensor or a tuple of tensors.
        tensors: tuple of [m, ...], of which columns are rows.
        tiling: a `_Tiling`.
    """
    num_columns = _num_rows(tensors[0])
    tiles = [_tiles(tensor, tiling) for tensor in tensors]
    num_tiles, side = _num_rows(tiles[0]), tiles[0].shape[1]

    def body(index, total):
        places = index * side + tf.range(side)
        places = tf.where(places < num_columns, places, PADDING)
        return index + 1, add(total, places, *(each[index] for each in tiles))

    _, total = tf.while_loop(
        lambda index, _: index < num_tiles,
        body,
        (tf.constant(0), start),
        parallel_iterations=1,
    )
    return total


def _tiles(tensor, tiling):
    """[n, ...] in tiles [tiles, T, ...] of equal size, padded with zeros.

    T is static: at most `tiling.num_rows`, and as small as the number of
    tiles allows where n is known, so that little is padded.
    """
    num_rows, side = tensor.shape[0], tiling.num_rows
    if num_rows is not None:
        side = math.ceil(num_rows / math.ceil(num_rows / side))
    padding = -_num_rows(tensor) % side
    paddings = [[0, padding]] + [[0, 0]] * (len(tensor.shape) - 1)
    padded = tf.pad(tensor, paddings)
    return tf.reshape(padded, [-1, side, *tensor.shape[1:]])


def _num_rows(tensor):
    """An int where it is known, else an int32 []."""
    static = tensor.shape[0]
    return tf.shape(tensor)[0] if static is None else static
