"""Features of whole splits, computed once for an encoder and kept."""

import os
import re

import numpy as np
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import labelled, sources
from simclr_tf.evaluation import cache, features, fingerprint
from simclr_tf.setup import devices, given_images, model_dir

FEATURES = "final_avg_pool"
"""The official name of the encoder's output, h."""
PREPROCESSING = 2
"""Version of `views.eval_images`; raised when it gives other pixels."""
DIRECTORY = "features"  # in model_dir
_OF_ENCODER = re.compile("[0-9a-f]{16}")


class FrozenFeatures:
    """Features of one encoder.

    They are kept in a directory named after the encoder's weights: in
    `feature_cache`, or a part of `model_dir`, or nowhere if there is neither.
    """

    def __init__(self, config, model, *, endpoints=(FEATURES,), **recipe):
        """Hashes the weights; nothing is computed yet.

        Args:
            config: a `Config`.
            model: a built `SimCLR` for one device.
            endpoints: names of `SimCLR.endpoints` that are wanted.
            **recipe: further arguments of `views.eval_images`.
        """
        self._config = config
        self._model = model
        self._endpoints = tuple(endpoints)
        self._recipe = recipe
        self._encoder = fingerprint.of_model(model)

    @property
    def directory(self):
        """Where they are kept, or None."""
        parent = directory_of(self._config)
        if parent is None:
            return None
        return os.path.join(parent, self._encoder.short)

    def load(self, source):
        """Features of one split, from the cache if they are there.

        Args:
            source: a labelled `Source`.

        Returns:
            dict of endpoint -> `features.Features` of the images that have a
            label.
        """
        found = self.load_all(source)
        return {
            name: part.take(labelled.indices(part.labels))
            for name, part in found.items()
        }

    def load_all(self, source):
        """As `load`, of all images; the labels of some may be -1."""
        return cache.load_or_extract(
            self.directory, self._facts(source), lambda: self._extract(source)
        )

    def _facts(self, source):
        config, found = self._config, self._encoder
        return cache.facts_of(
            encoder=f"{found.weights} {found.statistics}",
            arithmetic=devices.arithmetic(config),
            dataset=describe(source, config.data_dir),
            split=source.split,
            image_size=config.image_size,
            preprocessing=[PREPROCESSING, self._recipe],
            endpoints=self._endpoints,
        )

    def _extract(self, source):
        @tf.function(reduce_retracing=True)
        def encode(images):
            found = self._model.endpoints(images, training=False)
            return {name: found[name] for name in self._endpoints}

        batches = given_images.eval_batches(
            self._config, source, **self._recipe
        )
        return features.extract_named(encode, batches)


def describe(source, data_dir):
    """Everything cheap that tells a split from what it was before.

    A folder in which images have come, gone or changed their class is
    another; one in which they have changed under their name is not.

    Args:
        source: a labelled `Source`.
        data_dir: where it was looked for.
    """
    known = {}
    if source.labels is not None:
        known["labels"] = source.labels
    if isinstance(source, sources.PathSource):
        known["names"] = np.array(source.example_names())
    return (
        f"{source.name} of {source.num_examples}, in {data_dir}, "
        f"{'multi' if source.is_multi_label else 'one'}, "
        f"{fingerprint.of_variables(known)}"
    )


def check_cache(config):
    """Raises `UserError` if a `feature_cache` cannot be made."""
    if config.feature_cache:
        with errors.about("feature_cache"):
            model_dir.make_directory(config.feature_cache)


def directory_of(config):
    """Where features of any encoder are kept, or None."""
    if config.feature_cache or not config.model_dir:
        return config.feature_cache
    return os.path.join(config.model_dir, DIRECTORY)


def sweep(config, *, keep):
    """Removes the features of other encoders from a run's own directory.

    Else those of every checkpoint that is evaluated would stay. A
    `feature_cache` that was named is left alone, and so is what else lies
    there.

    Args:
        config: a `Config`.
        keep: `FrozenFeatures` whose directories stay.
    """
    parent = directory_of(config)
    if config.feature_cache or not parent or not tf.io.gfile.isdir(parent):
        return
    kept = {os.path.basename(each.directory) for each in keep}
    for name in (name.rstrip("/") for name in tf.io.gfile.listdir(parent)):
        if _OF_ENCODER.fullmatch(name) and name not in kept:
            tf.io.gfile.rmtree(os.path.join(parent, name))
