"""Recomputation: memory saved by running a block twice."""

import itertools

import tensorflow as tf

from simclr_tf.models import norm


def call(block, images):
    """Runs a block in training and keeps its input alone.

    The backward pass runs it again. Batch norm's moving statistics move in
    the first pass and not in the second.

    Args:
        block: a built layer of one input.
        images: [B, H, W, C].

    Returns:
        The block's output.

    Source: Chen et al. 2016, "Training deep nets with sublinear memory cost"
    (arXiv:1604.06174).
    """
    passes = itertools.count()

    def run(inputs):
        with norm.statistics_held(next(passes) > 0):
            return block(inputs, training=True)

    return tf.recompute_grad(run)(images)
