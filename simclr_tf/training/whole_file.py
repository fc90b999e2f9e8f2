"""Files, mostly JSON, that are either whole or absent."""

import json

import tensorflow as tf


def write_text(path, text):
    """Writes a text, see `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path, content):
    """Writes under a temporary name and renames into place."""
    temporary = f"{path}.tmp"
    if tf.io.gfile.exists(temporary):
        tf.io.gfile.remove(temporary)  # ram:// would append to it
    with tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)
    tf.io.gfile.rename(temporary, path, overwrite=True)


def write_json(path, content):
    """Writes JSON.

    Args:
        path: any path `tf.io.gfile` knows.
        content: what `json.dumps` takes.
    """
    write_text(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


def read_text(path):
    """Returns what a text file holds."""
    with tf.io.gfile.GFile(path) as file:
        return file.read()


def read_json(path):
    """Returns what a JSON file holds."""
    return json.loads(read_text(path))
