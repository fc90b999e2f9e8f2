"""Frozen features on disk, computed once.

A file is named by a hash of all that its features depend on, and holds those
facts again. One that does not, or that cannot be read, is computed again.
"""

import hashlib
import json
import os

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf.evaluation import features, npz_file

FORMAT = 1
"""Raised when a file is to be read differently."""


def facts_of(
    *,
    encoder,
    arithmetic,
    dataset,
    split,
    image_size,
    preprocessing,
    endpoints,
):
    """What features depend on, as JSON.

    Args:
        encoder: hash of the weights and statistics, see
            `fingerprint.of_model`.
        arithmetic: what it computes in, such as "bfloat16".
        dataset: name of the data set, with all that tells it from others,
            such as its version or its folder and number of images.
        split: its split, such as "train[:90%]".
        image_size: side in pixels.
        preprocessing: version and arguments of the evaluation recipe.
        endpoints: names of the outputs kept.

    Returns:
        str, equal for equal facts.
    """
    return json.dumps(
        {
            "format": FORMAT,
            "encoder": encoder,
            "arithmetic": arithmetic,
            "dataset": dataset,
            "split": split,
            "image_size": image_size,
            "preprocessing": preprocessing,
            "endpoints": sorted(endpoints),
        },
        sort_keys=True,
    )


def load_or_extract(directory, facts, extract):
    """Features of a split from the cache, or computed and put there.

    Args:
        directory: of the cache, made if need be; None for no cache.
        facts: of `facts_of`.
        extract: zero-argument callable that computes dict of name ->
            `features.Features`, all with the same labels.

    Returns:
        That dict, the same from the cache as computed.
    """
    if directory is None:
        return extract()
    path = path_of(directory, facts)
    found = _read(path, facts)
    if found is not None:
        logging.info("features from %s", path)
        return found
    found = extract()
    tf.io.gfile.makedirs(directory)
    _write(path, facts, found)
    return found


def path_of(directory, facts):
    """Where the features with these facts lie."""
    digest = hashlib.sha256(facts.encode()).hexdigest()
    return os.path.join(directory, f"features-{digest[:24]}.npz")


def _write(path, facts, found):
    arrays = {f"values/{name}": part.values for name, part in found.items()}
    arrays["facts"] = np.array(facts)
    arrays["labels"] = next(iter(found.values())).labels
    npz_file.save(path, arrays)


def _read(path, facts):
    """dict of name -> `Features`, or None if there are none to trust."""
    if not tf.io.gfile.exists(path):
        return None
    try:
        arrays = npz_file.load(path)
        if arrays["facts"] != facts:
            raise ValueError("it holds other features")
        return _named(arrays)
    except npz_file.DAMAGE as error:
        logging.warning("recomputing %s: %s", path, error)
        return None


def _named(arrays):
    labels = arrays["labels"]
    named = {
        name.removeprefix("values/"): features.Features(values, labels)
        for name, values in arrays.items()
        if name.startswith("values/")
    }
    if any(len(part.values) != len(labels) for part in named.values()):
        raise ValueError("features and labels differ in number")
    return named
