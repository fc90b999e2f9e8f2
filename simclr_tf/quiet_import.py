"""TensorFlow imported without what it writes on stderr while it loads."""

import contextlib
import os
import sys
import tempfile

_STDERR = 2  # the file descriptor


@contextlib.contextmanager
def quietly():
    """Keeps what TensorFlow writes to stderr while it loads off the screen.

    It is written below Python, before any log level counts. If loading fails,
    it is shown after all. Nothing is done where TensorFlow is loaded already,
    or where there is no stderr.
    """
    if "tensorflow" in sys.modules or not _is_open(_STDERR):
        yield
        return
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
    screen = os.dup(_STDERR)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            notes.seek(0)
            with contextlib.suppress(OSError):
                os.write(screen, notes.read())
            raise
        finally:
            os.dup2(screen, _STDERR)
            os.close(screen)


def _is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
