"""Arrays in an npz file that is either whole or absent."""

import io
import struct
import zipfile

import numpy as np
import tensorflow as tf

DAMAGE = (
    tf.errors.OpError,
    OSError,
    ValueError,
    EOFError,
    KeyError,
    RuntimeError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
)
"""What reading a missing, short or altered file raises."""


def save(path, arrays):
    """Writes under a temporary name and renames into place.

    Args:
        path: any path `tf.io.gfile` knows.
        arrays: dict of name -> numpy array, none of objects.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    temporary = f"{path}.tmp"
    if tf.io.gfile.exists(temporary):
        tf.io.gfile.remove(temporary)  # ram:// would append to it
    with tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(buffer.getvalue())
    tf.io.gfile.rename(temporary, path, overwrite=True)


def load(path):
    """Reads all arrays; every one is checked against its checksum.

    Args:
        path: of a file that `save` wrote.

    Returns:
        dict of name -> numpy array. Nothing in the file is executed.

    Raises:
        one of `DAMAGE`.
    """
    with tf.io.gfile.GFile(path, "rb") as file:
        buffer = io.BytesIO(file.read())
    with zipfile.ZipFile(buffer) as archive:
        altered = archive.testzip()
    if altered is not None:
        raise zipfile.BadZipFile(f"{altered} does not meet its checksum")
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        return dict(arrays)
