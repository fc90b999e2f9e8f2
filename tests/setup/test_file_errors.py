"""What file systems refuse becomes one line; other errors stay."""

import errno

import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.setup import file_errors

FULL = tf.errors.ResourceExhaustedError(
    None, None, "{{function_node x}} /d/x; No space left on it [Op:SaveV2]"
)
MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
DENIED = tf.errors.PermissionDeniedError(None, None, "/d/x; Permission denied")


def passed_through(error):
    with file_errors.in_one_line():
        raise error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FULL, "disks must have room: /d/x; No space left on it; what"),
        (OSError(errno.ENOSPC, "No space left", "/d/x"), "disks must have"),
        (DENIED, "files must be usable: /d/x"),
        (PermissionError(errno.EACCES, "Permission denied", "/d/x"), "usable"),
        (OSError(errno.EROFS, "Read-only file system", "/d/x"), "Read-only"),
    ],
)
def test_a_users_mistake_is_one_line(error, words):
    with pytest.raises(errors.UserError, match=words) as caught:
        passed_through(error)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [MEMORY, ValueError("x"), OSError(errno.EIO, "broken"), KeyError()]
)
def test_everything_else_stays_what_it_is(error):
    with pytest.raises(type(error)) as caught:
        passed_through(error)
    assert caught.value is error
