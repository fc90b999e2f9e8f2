"""Decoding of images from anywhere, with limits."""

import tensorflow as tf

from simclr_tf.data import pillow_formats

MAX_PIXELS = 64_000_000
"""Near the 89 million at which Pillow warns; 192 MB decoded."""
_HEADER_BYTES = 30  # as far as the size fields below reach


def decode_image(encoded, *, max_pixels=MAX_PIXELS):
    """Decodes one JPEG, PNG, GIF, BMP or WebP image; works in tf.data.

    The format is read from the first bytes, never from a file name. Size is
    checked before any pixel is decoded: a few kB can ask for gigabytes. Gray
    becomes RGB, alpha is dropped, 16 bits become 8, of an animation the first
    frame is taken; EXIF orientation is ignored. Pillow reads BMP and GIF.
    WebP needs a TensorFlow that reads it; animated WebP is refused, as
    TensorFlow 2.21 writes past the end of its buffer and may crash.

    Args:
        encoded: string [], the bytes of the file.
        max_pixels: most pixels allowed.

    Returns:
        uint8 [H, W, 3].

    Raises:
        tf.errors.InvalidArgumentError: if it is none of these, too large,
            or damaged.
    """
    return decode_checked(_checked(encoded, num_pixels(encoded), max_pixels))


def decode_checked(encoded):
    """`decode_image` without a look at the size, which was checked before.

    Args:
        encoded: string [], one for which `decoded_size` gave no error.

    Returns:
        uint8 [H, W, 3].
    """
    image = tf.cond(
        pillow_formats.is_read_here(encoded),
        lambda: pillow_formats.decode(encoded),
        lambda: _decode_by_tensorflow(encoded),
    )
    image.set_shape([None, None, 3])
    return image


def _decode_by_tensorflow(encoded):
    return tf.cond(
        tf.strings.substr(encoded, 0, 4) == b"RIFF",
        # The WebP decoder cannot drop alpha itself.
        lambda: _decode(encoded, channels=0)[..., :3],
        lambda: _decode(encoded, channels=3),
    )


def decoded_size(encoded, *, max_pixels=MAX_PIXELS):
    """Height and width that decoding will give, without decoding.

    Only a GIF has to be decoded: its header tells the size of the screen, and
    its first frame may be smaller.

    Args:
        encoded: string [], the bytes of the file.
        max_pixels: most pixels allowed.

    Returns:
        int32 [2].

    Raises:
        tf.errors.InvalidArgumentError: as `decode_image`, but for damage that
            only decoding shows.
    """
    size = header_size(encoded)
    encoded = _checked(encoded, _product(size), max_pixels)
    return tf.cond(
        tf.strings.substr(encoded, 0, 4) == b"GIF8",
        lambda: tf.shape(pillow_formats.decode(encoded))[:2],
        lambda: tf.cast(size, tf.int32),
    )


def num_pixels(encoded):
    """Height times width of an encoded image, read from its header.

    Args:
        encoded: string [].

    Returns:
        int64 []; -1 for an unknown format, or animated WebP.
    """
    return _product(header_size(encoded))


def header_size(encoded):
    """Height and width of an encoded image, read from its header.

    Args:
        encoded: string [].

    Returns:
        int64 [2]; both -1 for an unknown format, or animated WebP.
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.cast(tf.io.extract_jpeg_shape(encoded)[:2], tf.int64),
        lambda: _size_by_format(encoded),
    )


def _product(size):
    return tf.where(size[0] < 0, tf.constant(-1, tf.int64), size[0] * size[1])


def _checked(encoded, pixels, max_pixels):
    """The same bytes, once their number of pixels is found allowed."""
    checks = [
        tf.debugging.Assert(
            pixels >= 0, ["not a JPEG, PNG, GIF, BMP or still WebP image"]
        ),
        tf.debugging.Assert(
            pixels <= max_pixels,
            [
                "more pixels than max_image_pixels,",
                max_pixels,
                "there are",
                pixels,
            ],
        ),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(encoded)


def _decode(encoded, *, channels):
    return tf.io.decode_image(
        encoded, channels=channels, expand_animations=False
    )


def _size_by_format(encoded):
    """The size fields of PNG, GIF, BMP and the three kinds of WebP."""
    head = tf.strings.substr(encoded, 0, _HEADER_BYTES)
    head = tf.strings.join([head, b"\0" * _HEADER_BYTES])
    head = tf.cast(tf.io.decode_raw(head, tf.uint8), tf.int64)
    bits = _little_endian(head, 21, 4)
    bmp_width, bmp_height = _bmp_sides(head)
    formats = (
        (b"\x89PNG", 0, _big_endian(head, 16), _big_endian(head, 20)),
        (b"GIF8", 0, _little_endian(head, 6, 2), _little_endian(head, 8, 2)),
        (b"BM", 0, bmp_width, bmp_height),
        (
            b"VP8 ",
            12,
            _little_endian(head, 26, 2) % 2**14,
            _little_endian(head, 28, 2) % 2**14,
        ),
        (b"VP8L", 12, bits % 2**14 + 1, bits // 2**14 % 2**14 + 1),
        (
            b"VP8X",
            12,
            _little_endian(head, 24, 3) + 1,
            _little_endian(head, 27, 3) + 1,
        ),
    )
    unknown = tf.constant([-1, -1], tf.int64)
    size = unknown
    for magic, start, width, height in formats:
        found = tf.reduce_all(head[start : start + len(magic)] == list(magic))
        size = tf.where(found, tf.stack([height, width]), size)
    extended_webp = tf.reduce_all(head[12:16] == list(b"VP8X"))
    animated = tf.logical_and(extended_webp, head[20] // 2 % 2 == 1)
    return tf.where(animated, unknown, size)


def _bmp_sides(head):
    """Width and height by either kind of header, OS/2's being the shorter."""
    is_short = _little_endian(head, 14, 4) == 12
    sides = []
    for place in (0, 1):
        side = _little_endian(head, 18 + 4 * place, 4)  # two's complement
        short = _little_endian(head, 18 + 2 * place, 2)
        sides.append(tf.where(is_short, short, tf.minimum(side, 2**32 - side)))
    return sides


def _little_endian(head, start, num_bytes):
    weights = [256**place for place in range(num_bytes)]
    return tf.reduce_sum(head[start : start + num_bytes] * weights)


def _big_endian(head, start):
    weights = [256**place for place in (3, 2, 1, 0)]
    return tf.reduce_sum(head[start : start + 4] * weights)
