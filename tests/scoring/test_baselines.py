"""An untrained network as a fair baseline, from weights to scores."""

import numpy as np
import tensorflow as tf

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.evaluation import features, fingerprint, knn, untrained
from simclr_tf.models import norm
from simclr_tf.scoring import baselines
from simclr_tf.setup import given_images, networks

ATOL = 1e-4  # float32 moments of some hundred values
AT_LEAST = 0.5
"""Accuracy of kNN; 0.2 with zero gammas."""


def config(**changes):
    return Config(
        mode="plan", image_size=8, resnet_depth=10, width_multiplier=0.125
    ).replace(**changes)


def test_gammas_are_one_and_statistics_those_of_the_batches():
    model = networks.make_eval_model(config(), num_classes=None)
    images = np.random.default_rng(0).random((3, 16, 8, 8, 3), np.float32)
    assert untrained.prepare(model, images) is model
    layers = norm.layers_of(model)
    assert all((layer.gamma.numpy() == 1).all() for layer in layers)
    assert {layer.momentum for layer in layers} == {0.9}
    stem = model.encoder.stem
    outputs = [stem.convs[0](tf.constant(batch)).numpy() for batch in images]
    for statistic, moment in (
        (stem.norms[0].moving_mean, np.mean),
        (stem.norms[0].moving_variance, np.var),
    ):
        each = [moment(batch, axis=(0, 1, 2)) for batch in outputs]
        np.testing.assert_allclose(
            statistic.numpy(), np.mean(each, axis=0), atol=ATOL
        )


def test_it_knows_more_than_what_zero_gammas_show():
    sources = digits.open_digits("train"), digits.open_digits("test")
    model = baselines.make_untrained(config(), sources[0])
    encode = networks.encoder_function(model)
    found = [
        features.extract(encode, given_images.eval_batches(config(), source))
        for source in sources
    ]
    train, test = features.standardize(*found)
    accuracy = knn.accuracy(train, test, num_classes=10, neighbors=5)
    assert accuracy > AT_LEAST


def test_its_weights_are_of_the_seed_and_not_those_of_training():
    source = digits.open_digits("train[:40]")
    hashes = [
        fingerprint.of_model(baselines.make_untrained(config(seed=s), source))
        for s in (0, 0, 1)
    ]
    assert hashes[0] == hashes[1]
    assert hashes[0].weights != hashes[2].weights
    trained_from = networks.make_eval_model(config(), num_classes=None)
    kernels = [
        model.encoder.stem.convs[0].kernel.numpy()
        for model in (trained_from, baselines.make_untrained(config(), source))
    ]
    assert not np.array_equal(*kernels)
