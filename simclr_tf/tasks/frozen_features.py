"""Features of the splits of a configuration, computed once and kept."""

import os

import tensorflow as tf

from simclr_tf.evaluation import cache, features, fingerprint
from simclr_tf.tasks import components

FEATURES = "final_avg_pool"
"""The official name of the encoder's output, h."""
PREPROCESSING = 1
"""Version of `views.eval_images`; raised when it gives other pixels."""
DIRECTORY = "features"  # in model_dir


def load(config, model, source, *, endpoints=(FEATURES,)):
    """Features of one split, from the cache if they are there.

    Args:
        config: a `Config`; features are kept in `feature_cache`, by default
            a part of `model_dir`, and nowhere if there is neither.
        model: a built `SimCLR` for one device.
        source: a labelled `Source`.
        endpoints: names of `SimCLR.endpoints`.

    Returns:
        dict of endpoint -> `features.Features`.
    """
    facts = cache.facts_of(
        encoder=str(fingerprint.of_model(model)),
        dataset=_identity(config, source),
        split=source.split,
        image_size=config.image_size,
        preprocessing=PREPROCESSING,
        endpoints=endpoints,
    )
    return cache.load_or_extract(
        _directory(config),
        facts,
        lambda: _extract(config, model, source, endpoints),
    )


def _extract(config, model, source, endpoints):
    @tf.function(reduce_retracing=True)
    def encode(images):
        found = model.endpoints(images, training=False)
        return {name: found[name] for name in endpoints}

    batches = components.eval_batches(config, source)
    return features.extract_named(encode, batches)


def _directory(config):
    if config.feature_cache or not config.model_dir:
        return config.feature_cache
    return os.path.join(config.model_dir, DIRECTORY)


def _identity(config, source):
    """What tells a data set from another of its name."""
    return f"{source.name} of {source.num_examples} in {config.data_dir}"
