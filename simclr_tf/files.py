"""Files, mostly JSON, that are either whole or absent."""

import contextlib
import json
import os

import tensorflow as tf

from simclr_tf import errors


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
    to_disk(temporary)
    tf.io.gfile.rename(temporary, path, overwrite=True)


def to_disk(path):
    """Waits until a local file has reached the disk.

    Else a power failure may leave a name whose content was never written.
    """
    if "://" in path:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some systems cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    """Returns what a JSON file holds.

    Raises:
        errors.UserError: if it is no JSON, whatever the damage.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise errors.UserError(
            f"files must be whole; {path!r} is no JSON: {error}"
        ) from error
