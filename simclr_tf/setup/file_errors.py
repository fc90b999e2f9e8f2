"""What file systems refuse, as one line for the user."""

import contextlib
import errno
import re

import tensorflow as tf

from simclr_tf import errors

_NO_SPACE = ("No space left", "Disk quota exceeded")
_NOISE = r"\{\{.*?\}\}|\[Op:.*?\]"
_CODES = frozenset(
    (
        errno.EACCES,
        errno.EDQUOT,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
        errno.ENAMETOOLONG,
    )
)


@contextlib.contextmanager
def in_one_line():
    """Makes a full disk, or a file that may not be used, a `UserError`.

    Raises:
        errors.UserError: in place of one raised within; other errors pass.
    """
    try:
        yield
    except tf.errors.PermissionDeniedError as error:
        raise _refused(error.message) from error
    except tf.errors.OpError as error:
        if not any(text in error.message for text in _NO_SPACE):
            raise
        raise _full(error.message) from error
    except OSError as error:
        if error.errno not in _CODES:
            raise
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (_full if is_full else _refused)(str(error)) from error


def _refused(reason):
    return errors.UserError(f"files must be usable: {_plain(reason)}")


def _full(reason):
    return errors.UserError(
        f"disks must have room: {_plain(reason)}; what was saved before is "
        "whole, and the same command goes on from it"
    )


def _plain(reason):
    """The first line, without what TensorFlow writes around it."""
    return re.sub(_NOISE, "", reason.splitlines()[0]).strip()
