"""What an encoder is compared with: an untrained one, and raw pixels."""

import math

import numpy as np
import tensorflow as tf

from simclr_tf.data import seeds, sources
from simclr_tf.evaluation import features, untrained
from simclr_tf.scoring import frozen_features
from simclr_tf.setup import given_images, networks

NUM_IMAGES = 512
"""Training images that the statistics of an untrained network are of."""


def make_untrained(config, source):
    """An untrained network of the same architecture.

    Its weights are not those that training began with: they have a domain of
    the seed of their own.

    Args:
        config: a `Config`.
        source: the training `Source`; its labels are not used.

    Returns:
        A `SimCLR` for one device, see `evaluation.untrained`.
    """
    seed = seeds.derive(config.seed, seeds.Domain.BASELINE_WEIGHTS)
    model = networks.make_eval_model(
        config.replace(seed=seed, remat=False), num_classes=None
    )
    return untrained.prepare(model, _batches(config, source))


def note(config, source):
    """What the row of the untrained network is, one line.

    Args:
        config: a `Config`.
        source: the training `Source`.
    """
    count = min(NUM_IMAGES, source.num_examples)
    return (
        f"an untrained network, every batch-norm gamma 1, batch-norm "
        f"statistics of {count} training images, seed {config.seed}"
    )


def _batches(config, source):
    """Images of a sample in random order, batches of about equal size."""
    domain = seeds.Domain.BASELINE_SAMPLE
    part = sources.sample(source, NUM_IMAGES, seed=config.seed, domain=domain)
    images = np.concatenate(
        [
            batch["images"].numpy()[batch["mask"].numpy() > 0]
            for batch in given_images.eval_batches(config, part)
        ]
    )
    order = seeds.generator(config.seed, domain, 1).permutation(len(images))
    num_batches = math.ceil(len(images) / config.eval_batch_size)
    return np.array_split(images[order], num_batches)


class Pixels:
    """Images as they are, in the place of features."""

    def __init__(self, config):
        """Takes a `Config`."""
        self._config = config

    def load(self, source):
        """As `FrozenFeatures.load`; nothing is kept."""
        batches = given_images.eval_batches(self._config, source)
        found = features.extract(flatten_pixels, batches)
        return {frozen_features.FEATURES: found}


def flatten_pixels(images):
    """float32 [b, S, S, 3] -> [b, 3 S S]."""
    return tf.reshape(images, [len(images), -1])
