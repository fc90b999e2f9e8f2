"""Counter-based random numbers: pure functions of (seed, position, index).

A generator without state needs no order: the numbers of one example are the
same in any batch, on any replica, and after any interruption. The block
function is Threefry-2x32 with 20 rounds, of plain 32-bit additions, rotations
and exclusive ors, so it is batched, has kernels everywhere and compiles by
XLA. Legend: `B` examples.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import tensorflow as tf

# Table 4 of Salmon et al. for the 2x32 variant, and the key-schedule parity.
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_NUM_GROUPS = 5  # of four rounds: the 20 of the recommended variant
# The second counter word keeps derived keys and numbers apart.
_KEY_DOMAIN, _NUMBER_DOMAIN = 0, 1
_LOW_WORD = 0xFFFFFFFF
_FLOAT_BITS = 24  # what a float32 in [0, 1) holds exactly


def threefry(key, counter):
    """Threefry-2x32-20: mixes a counter under a key.

    Args:
        key: pair of uint32 tensors.
        counter: pair of uint32 tensors that broadcast against `key`.

    Returns:
        Pair of uint32 tensors, each uniform over its 32 bits.

    Source: Salmon et al. 2011, section 3.3.
    """
    key_low, key_high = key
    schedule = (key_low, key_high, key_low ^ key_high ^ _word(_PARITY))
    low = counter[0] + schedule[0]
    high = counter[1] + schedule[1]
    for group in range(_NUM_GROUPS):
        for distance in _ROTATIONS[group % 2]:
            low = low + high
            high = _rotate(high, distance) ^ low
        low = low + schedule[(group + 1) % 3]
        high = high + schedule[(group + 2) % 3] + _word(group + 1)
    return low, high


def example_keys(seed, positions):
    """Keys of examples: one stream of numbers per (seed, position).

    Args:
        seed: Python int or int64 []; all 64 bits count.
        positions: integers [B], the global example counters; all 64 bits
            count.

    Returns:
        uint32 [B, 2].
    """
    key = _split(as_int64(seed))
    return tf.stack(threefry(key, _split(as_int64(positions))), axis=-1)


def fold_in(keys, data):
    """Derives independent keys, one set per value of `data`.

    Args:
        keys: uint32 [B, 2].
        data: Python int in [0, 2^32), for example the number of a view.

    Returns:
        uint32 [B, 2].
    """
    counter = (_word(data), _word(_KEY_DOMAIN))
    return tf.stack(threefry((keys[:, 0], keys[:, 1]), counter), axis=-1)


def uniform(keys, num):
    """Uniform numbers, all by one vectorised call.

    Args:
        keys: uint32 [B, 2].
        num: how many numbers per key, a Python int.

    Returns:
        float32 [B, num] in [0, 1), multiples of 2^-24.
    """
    num_blocks = (num + 1) // 2
    blocks = tf.cast(tf.range(num_blocks)[tf.newaxis], tf.uint32)
    counter = (blocks, _word(_NUMBER_DOMAIN))
    words = threefry((keys[:, :1], keys[:, 1:]), counter)
    words = tf.concat(words, axis=1)[:, :num]  # [B, num]
    words = tf.bitwise.right_shift(words, _word(32 - _FLOAT_BITS))
    # By way of int32: XLA turns it into floats faster than uint32.
    return tf.cast(tf.cast(words, tf.int32), tf.float32) * 2.0**-_FLOAT_BITS


def between(draws, low, high):
    """Maps draws in [0, 1) to [low, high); float32, any shape."""
    return low + draws * (high - low)


def integers_below(draws, bound):
    """Maps draws in [0, 1) to integers in [0, bound).

    Args:
        draws: float32, multiples of 2^-24, so a value's probability is off by
            less than 2^-24.
        bound: int32 in [1, 2^24), broadcasts against `draws`.

    Returns:
        int32 of the broadcast shape.
    """
    scaled = tf.floor(draws * tf.cast(bound, tf.float32))
    # The product may round up to the bound itself.
    return tf.minimum(tf.cast(scaled, tf.int32), bound - 1)


def as_int64(value):
    """A seed or positions as int64: a Python int of any size, or a tensor."""
    if isinstance(value, int):  # fold any Python int into the signed range
        value = (value + 2**63) % 2**64 - 2**63
    return tf.cast(value, tf.int64)


def _word(value):
    return tf.constant(value, tf.uint32)


def _split(value):
    """Low and high words of int64 as uint32."""
    high = tf.bitwise.right_shift(value, tf.constant(32, tf.int64))
    return tuple(
        tf.cast(tf.bitwise.bitwise_and(word, _LOW_WORD), tf.uint32)
        for word in (value, high)
    )


def _rotate(value, distance):
    left = tf.bitwise.left_shift(value, _word(distance))
    return left | tf.bitwise.right_shift(value, _word(32 - distance))
