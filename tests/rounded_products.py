"""Matrix products as accelerators compute them, simulated on a CPU."""

import tensorflow as tf

from simclr_tf import matmul

STORED_BITS = {"tf32": 10, "bfloat16": 7}
"""Explicit bits of the significand that a product's factors keep, of 23."""


def rounded(x, bits):
    """float32 tensor to the nearest number of so many stored bits."""
    dropped = 23 - bits
    raw = tf.bitcast(x, tf.int32) + (1 << (dropped - 1))
    return tf.bitcast(tf.bitwise.bitwise_and(raw, -1 << dropped), tf.float32)


def simulate(monkeypatch, kind):
    """`tf.matmul` rounds its factors from here on, as on an accelerator.

    Args:
        monkeypatch: the pytest fixture.
        kind: "tf32" or "bfloat16".
    """
    plain, bits = tf.matmul, STORED_BITS[kind]

    def product(a, b, **options):
        return plain(rounded(a, bits), rounded(b, bits), **options)

    monkeypatch.setattr(tf, "matmul", product)
    monkeypatch.setattr(matmul, "_only_cpus", lambda: False)
