"""One training at a time in a `model_dir`.

A file tells which process trains in it; a thread gives a sign of life in it now
and then. A lock that its process did not live to remove is taken over.
"""

import contextlib
import os
import socket
import threading
import time
import uuid

import tensorflow as tf
from absl import logging

from simclr_tf import errors, files
from simclr_tf.setup import model_dir

FILE = "lock.json"  # in model_dir
BEAT_SECS = 15.0
"""Between signs of life."""
WATCH_SECS = 3 * BEAT_SECS
"""How long the lock of a process that cannot be asked is watched for one."""
POLL_SECS = 1.0
_PID_NAMESPACE = "/proc/self/ns/pid"


class RunLock:
    """A lock that this process holds."""

    def __init__(self, path):
        """Writes the file at `path`.

        Raises:
            errors.UserError: if another process was faster.
        """
        self._path = path
        self._content = {
            **_place(),
            "pid": os.getpid(),
            "process_started": _start_of(os.getpid()),
            "started": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
            "token": uuid.uuid4().hex,
        }
        _create(path, self._content | {"beats": 0})
        self.check()  # where nothing is created but once, the last one has it

    def check(self):
        """Raises `UserError` if this process does not hold the lock.

        A file that cannot be read at this moment counts as held: a file
        system that is out of reach for a second ends no run.
        """
        try:
            found = _read(self._path)
        except tf.errors.OpError as error:
            logging.warning("%r cannot be read: %s", self._path, error.message)
            return
        if found is None or found.get("token") != self._content["token"]:
            raise errors.UserError(
                f"model_dir must stay this run's own while it trains; "
                f"{self._path!r} was removed or taken over"
            )

    def beat(self, number):
        """Gives a sign of life, if the lock is held and can be written."""
        with contextlib.suppress(tf.errors.OpError, OSError, errors.UserError):
            self.check()
            files.write_json(self._path, self._content | {"beats": number})

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
    _make_way(path)
    lock = RunLock(path)
    try:
        with _beating(lock):
            yield lock
    except tf.errors.NotFoundError:
        lock.check()  # says that the directory was removed, if so
        raise
    finally:
        lock.release()
        if is_new and _is_empty(directory):
            tf.io.gfile.rmtree(directory)


@contextlib.contextmanager
def _beating(lock):
    """Context in which a thread gives the signs of life."""
    is_over = threading.Event()

    def beat():
        number = 0
        while not is_over.wait(BEAT_SECS):
            number += 1
            lock.beat(number)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _make_way(path):
    """Removes the lock of a process that has ended, or a damaged one.

    Raises:
        errors.UserError: if its process lives.
    """
    found = _read(path)
    if found is None:
        return
    if found and _lives(found, path):
        raise errors.UserError(
            f"model_dir must be that of no other running process; {path!r} is "
            f"held by {_describe(found)}"
        )
    if found:
        logging.info("taking over from %s, which has ended", _describe(found))
    with contextlib.suppress(tf.errors.NotFoundError):
        tf.io.gfile.remove(path)


def _lives(found, path):
    """Whether the process of a lock lives: it is asked, or else watched."""
    place = _place()
    if all(found.get(name) == value for name, value in place.items()):
        is_own = found.get("pid") == os.getpid()
        started = _start_of(found.get("pid"))
        is_same = started is not None and started == found.get(
            "process_started"
        )
        return is_same and not is_own
    logging.info(
        "watching %s for %d s for a sign of life of %s",
        path,
        WATCH_SECS,
        _describe(found),
    )
    ends = time.monotonic() + WATCH_SECS
    while time.monotonic() < ends:
        time.sleep(POLL_SECS)
        now = _read(path)
        if now is None:
            return False
        if now and now != found:
            return True
    return False


def _create(path, content):
    """Writes a lock where there is none, at once where links can be made."""
    if "://" in path:
        files.write_json(path, content)
        return
    prepared = f"{path}.{content['token']}"
    files.write_json(prepared, content)
    try:
        os.link(prepared, path)
    except FileExistsError:
        raise errors.UserError(
            f"model_dir must be that of no other running process; {path!r} "
            "was made at this moment"
        ) from None
    except OSError:  # a file system without links
        files.write_json(path, content)
    finally:
        os.remove(prepared)


def _is_empty(directory):
    is_there = tf.io.gfile.isdir(directory)
    return is_there and not tf.io.gfile.listdir(directory)


def _describe(found):
    return (
        f"process {found.get('pid')} on {found.get('host')} since "
        f"{found.get('started')}"
    )


def _read(path):
    """The content of a lock file; None where there is none, {} for damage."""
    try:
        content = files.read_json(path)
    except tf.errors.NotFoundError:
        return None
    except errors.UserError:
        return {}
    return content if isinstance(content, dict) else {}


def _place():
    """Where numbers of processes mean the same: a host, or a container."""
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = os.readlink(_PID_NAMESPACE)
    return {"host": socket.gethostname(), "namespace": namespace}


def _start_of(pid):
    """When a process on this machine was started; None if there is none.

    Linux gives numbers of ended processes to new ones, whose start differs.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if os.name != "posix" or os.path.isdir("/proc/self"):
        return None
    try:
        os.kill(int(pid), 0)
    except PermissionError:  # another user's
        return "unknown"
    except (TypeError, ValueError, OSError, OverflowError):
        return None
    return "unknown"
