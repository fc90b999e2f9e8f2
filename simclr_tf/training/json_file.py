"""JSON files that are either whole or absent."""

import json

import tensorflow as tf


def write(path, content):
    """Writes JSON under a temporary name and renames it into place.

    Args:
        path: any path `tf.io.gfile` knows.
        content: what `json.dumps` takes.
    """
    with tf.io.gfile.GFile(f"{path}.tmp", "w") as file:
        file.write(json.dumps(content, indent=2, sort_keys=True) + "\n")
    tf.io.gfile.rename(f"{path}.tmp", path, overwrite=True)


def read(path):
    """Returns what a JSON file holds."""
    with tf.io.gfile.GFile(path) as file:
        return json.load(file)
