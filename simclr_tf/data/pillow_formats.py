"""Formats that Pillow reads, as TensorFlow reads some of their files wrongly.

Of a BMP file TensorFlow takes the indices of a palette for gray levels, and it
refuses 1, 4 and 16 bits and OS/2 headers; transparent pixels of a GIF become
black.
"""

import io
import struct

import numpy as np
import tensorflow as tf
from PIL import Image

FORMATS = {"BMP": b"BM", "GIF": b"GIF8"}
"""Pillow's name of each and the first bytes of its files."""


def is_read_here(encoded):
    """Whether a file is of one of these formats, bool [].

    Args:
        encoded: string [], the bytes of the file.
    """
    found = [
        tf.strings.substr(encoded, 0, len(magic)) == magic
        for magic in FORMATS.values()
    ]
    return tf.reduce_any(found)


def decode(encoded):
    """The pixels of the first frame; works in tf.data.

    Args:
        encoded: string [], the bytes of the file.

    Returns:
        uint8 [H, W, 3].

    Raises:
        tf.errors.InvalidArgumentError: if it is damaged.
    """
    return tf.numpy_function(_pixels, [encoded], tf.uint8, stateful=False)


def _pixels(encoded):
    try:
        with Image.open(io.BytesIO(encoded), formats=[*FORMATS]) as image:
            return np.asarray(image.convert("RGB"))
    # The errors of damaged files are of many kinds.
    except (
        OSError,
        SyntaxError,
        EOFError,
        IndexError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        # TensorFlow makes an InvalidArgumentError of it.
        raise ValueError(str(error)) from error
