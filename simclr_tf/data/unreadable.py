"""Which images of a source cannot be read, and why."""

import concurrent.futures
import contextlib
import functools
import os
import re
import typing
import warnings

import numpy as np
import PIL.Image
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import images, sources

MAX_DECODED = 2000
"""Files that "auto" decodes, a few seconds; smaller folders are decoded
whole."""
MAX_HEADERS = 100_000
"""Files whose two ends "auto" reads, half a minute at most from a disk."""
MAX_NAMED = 5
"""Unreadable images that one error names."""
_NUM_THREADS = 8  # they wait for the disk
_READ_ERRORS = (
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.PermissionDeniedError,
    tf.errors.DataLossError,
)
# What TF writes around the reason of a failed tf.data function.
_NOISE = re.compile(
    r"\{\{.*?\}\}|.*Iterator::\S+|assertion failed:|\[\[.*|\[Op:.*|\s*\n.*",
    re.DOTALL,
)
_ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82", "GIF": b";"}
"""How whole files of a format end; the others tell their length."""


class Unreadable(typing.NamedTuple):
    """An image that cannot be read.

    Attributes:
        index: of the example in its source.
        reason: one line.
    """

    index: int
    reason: str


def find(source, *, max_pixels=images.MAX_PIXELS):
    """Reads every image of a source.

    Args:
        source: any `Source`; arrays have nothing to fail.
        max_pixels: most pixels allowed.

    Yields:
        `Unreadable`, in order.
    """
    found = _first_from(0, source, max_pixels)
    while found is not None:
        yield found
        found = _first_from(found.index + 1, source, max_pixels)


def check(source, *, how="auto", max_pixels=images.MAX_PIXELS):
    """Refuses a source that holds images which cannot be read.

    Args:
        source: a `PathSource`.
        how: "all" decodes every file, "none" reads nothing. "auto" decodes up
            to `MAX_DECODED` files, spread evenly; of local files it also reads
            the headers and the last bytes, of `MAX_HEADERS` at most, and
            decodes those that do not look whole.
        max_pixels: most pixels allowed.

    Raises:
        errors.UserError: naming up to `MAX_NAMED` of them, and why the first
            cannot be read.
    """
    if how == "none":
        return
    if how == "auto" and source.num_examples > MAX_DECODED:
        source = sources.take(source, _worth_decoding(source.paths, max_pixels))
    message = describe(source, max_pixels=max_pixels)
    if message:
        raise errors.UserError(message)


@contextlib.contextmanager
def named(source, *, max_pixels=images.MAX_PIXELS, before=lambda: None):
    """Turns a reading error of the pipeline into one naming the image.

    tf.data does not tell which element failed, so the source is searched
    again; an error with another cause is passed on.

    Args:
        source: any `Source`.
        max_pixels: most pixels allowed.
        before: called before the error is raised.

    Raises:
        errors.UserError: as `check`.
    """
    try:
        yield
    except _READ_ERRORS as error:
        message = describe(source, max_pixels=max_pixels)
        if not message:
            raise
        before()
        raise errors.UserError(message) from error


def describe(source, *, max_pixels=images.MAX_PIXELS):
    """One line that names unreadable images of a source; "" for none."""
    found = []
    for each in find(source, max_pixels=max_pixels):
        found.append(each)
        if len(found) > MAX_NAMED:
            break
    if not found:
        return ""
    first, *others = found
    more = [source.example_name(each.index) for each in others]
    if len(found) > MAX_NAMED:
        more[-1] = "and more"
    also = f"; so are {', '.join(more)}" if more else ""
    return (
        f"images must be readable; {source.example_name(first.index)}: "
        f"{first.reason}{also}; replace or remove {'them' if more else 'it'}"
    )


def _first_from(start, source, max_pixels):
    """The first `Unreadable` image of index `start` or more, or None."""
    encoded = source.encoded(start)
    if encoded is None:
        return None
    sizes = encoded.map(
        lambda image: tf.size(
            images.decode_image(image, max_pixels=max_pixels)
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    num_read = 0
    try:
        for _ in sizes:
            num_read += 1
    except _READ_ERRORS as error:
        return Unreadable(start + num_read, _reason(error))
    return None


def _reason(error):
    """One line of a TF error, without what TF wraps around it."""
    text = _NOISE.sub("", error.message)
    return re.sub(r"[\[\]]", "", text).strip().lstrip(": ")


def _worth_decoding(paths, max_pixels):
    """Indices of a sample of files, and of those that do not look whole."""
    sampled = _spread(MAX_DECODED, len(paths))
    if any("://" in path for path in paths[:1]):
        return sampled
    looked_at = _spread(MAX_HEADERS, len(paths))
    looks_whole = functools.partial(_looks_whole, max_pixels=max_pixels)
    with (
        concurrent.futures.ThreadPoolExecutor(_NUM_THREADS) as pool,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of many pixels
        whole = list(pool.map(looks_whole, [paths[i] for i in looked_at]))
    return np.union1d(sampled, looked_at[~np.array(whole)])


def _spread(count, total):
    """Up to `count` indices spread evenly over [0, total)."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int))


def _looks_whole(path, *, max_pixels):
    """Whether a local file begins and ends as images do.

    A file that does not may be readable still, so this settles nothing.
    """
    try:
        with open(path, "rb") as file, PIL.Image.open(file) as image:
            if image.width * image.height > max_pixels:
                return False
            ending = _ENDINGS.get(image.format)
            if ending is None:
                return _has_told_length(file)
            file.seek(-len(ending), os.SEEK_END)
            return file.read() == ending
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return False


def _has_told_length(file):
    """Whether a BMP or WebP file is as long as its header says."""
    file.seek(0)
    head = file.read(8)
    length = file.seek(0, os.SEEK_END)
    if head[:4] == b"RIFF":  # the chunk begins behind its length
        return length >= int.from_bytes(head[4:8], "little") + 8
    return head[:2] == b"BM" and length >= int.from_bytes(head[2:6], "little")
