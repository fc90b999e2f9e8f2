"""One training at a time in a `model_dir`.

A file tells which process trains in it, and when that was last known to live.
A lock that its process did not live to remove is taken over.
"""

import contextlib
import os
import socket
import time
import uuid

import tensorflow as tf
from absl import logging

from simclr_tf import errors
from simclr_tf.tasks.setup import model_dir
from simclr_tf.training import whole_file

FILE = "lock.json"  # in model_dir
BEAT_SECS = 60.0
"""Between signs of life."""
STALE_SECS = 900.0
"""Without a sign of life, of a process that cannot be asked."""


class RunLock:
    """A lock that is held; `beat` is to be called now and then."""

    def __init__(self, path):
        """Writes the file at `path`.

        Raises:
            errors.UserError: if another process was faster.
        """
        self._path = path
        self._content = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": _start_of(os.getpid()),
            "started": _now(),
            "token": uuid.uuid4().hex,
        }
        _create(path, self._alive())
        self._last_beat = time.monotonic()
        self.check()  # where nothing is created but once, the last one has it

    def beat(self):
        """Says that this process lives, `BEAT_SECS` after the last time.

        Raises:
            errors.UserError: if another process has taken over, or
                `model_dir` is gone.
        """
        if time.monotonic() - self._last_beat < BEAT_SECS:
            return
        self.check()
        whole_file.write_json(self._path, self._alive())
        self._last_beat = time.monotonic()

    def _alive(self):
        return self._content | {"alive": _now(), "alive_secs": time.time()}

    def check(self):
        """Raises `UserError` if this process does not hold the lock."""
        found = _read(self._path)
        if found is None or found.get("token") != self._content["token"]:
            raise errors.UserError(
                f"model_dir must stay this run's own while it trains; "
                f"{self._path!r} was removed or taken over"
            )

    def release(self):
        """Removes the file, if it is still this process's own."""
        with contextlib.suppress(tf.errors.OpError, errors.UserError):
            self.check()
            tf.io.gfile.remove(self._path)


@contextlib.contextmanager
def held(directory):
    """Context in which this process alone trains in `directory`.

    Args:
        directory: a `model_dir`. It is made if it is absent, and removed if
            nothing is written into it.

    Yields:
        A `RunLock`.

    Raises:
        errors.UserError: if another process trains there, or it cannot be
            made.
    """
    is_new = not tf.io.gfile.isdir(directory)
    model_dir.make_directory(directory)
    path = os.path.join(directory, FILE)
    found = _read(path)
    if found is not None:
        _check_stale(found, path)
        logging.info("taking over from %s, which has ended", _describe(found))
    if tf.io.gfile.exists(path):  # of one that has ended, or damaged
        tf.io.gfile.remove(path)
    lock = RunLock(path)
    try:
        yield lock
    except tf.errors.NotFoundError:
        lock.check()  # says that the directory was removed, if so
        raise
    finally:
        lock.release()
        if is_new and _is_empty(directory):
            tf.io.gfile.rmtree(directory)


def _create(path, content):
    """Writes a lock where there is none, at once where links can be made."""
    if "://" in path:
        whole_file.write_json(path, content)
        return
    prepared = f"{path}.{content['token']}"
    whole_file.write_json(prepared, content)
    try:
        os.link(prepared, path)
    except FileExistsError:
        raise errors.UserError(
            f"model_dir must be that of no other running process; {path!r} "
            "was made at this moment"
        ) from None
    except OSError:  # a file system without links
        whole_file.write_json(path, content)
    finally:
        os.remove(prepared)


def _is_empty(directory):
    is_there = tf.io.gfile.isdir(directory)
    return is_there and not tf.io.gfile.listdir(directory)


def _check_stale(found, path):
    """Raises `UserError` if the process of a lock is alive, or may be."""
    is_here = found.get("host") == socket.gethostname()
    if is_here:
        is_alive = _start_of(found.get("pid")) == found.get("process_started")
        is_own = found.get("pid") == os.getpid()
        lives = is_alive and not is_own
    else:
        lives = time.time() - found.get("alive_secs", 0.0) < STALE_SECS
    if lives:
        raise errors.UserError(
            f"model_dir must be that of no other running process; {path!r} is "
            f"held by {_describe(found)}; if that has ended, remove the file"
        )


def _describe(found):
    return (
        f"process {found.get('pid')} on {found.get('host')} since "
        f"{found.get('started')}"
    )


def _read(path):
    """The content of a lock file; None where there is none, or damage."""
    if not tf.io.gfile.exists(path):
        return None
    try:
        content = whole_file.read_json(path)
    except (ValueError, tf.errors.OpError):
        return None
    return content if isinstance(content, dict) else None


def _start_of(pid):
    """When a process on this machine was started; None if there is none.

    Linux gives numbers of ended processes to new ones, whose start differs.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[19]
    except OSError:
        pass
    try:
        os.kill(int(pid), 0)
    except (TypeError, ValueError, OSError, OverflowError):
        return None
    return "unknown"


def _now():
    return time.strftime("%Y-%m-%d %H:%M:%S %Z")
