"""What a person reads while a run goes on: this project's own lines, bare."""

import contextlib
import logging
import os
import sys

from absl import logging as absl_logging

from simclr_tf import streams

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def speak_plainly():
    """Shows the project's notes as bare lines, and others' warnings alone."""
    absl_logging.use_absl_handler()
    _make_plain(absl_logging.get_absl_handler())
    absl_logging.set_verbosity(absl_logging.INFO)


@contextlib.contextmanager
def speaking_plainly(verbosity=absl_logging.INFO):
    """The same for the length of a call from Python.

    absl's own handler is meant for programs whose flags are parsed, and warns
    in others. It stands aside, as do others that write to stderr: every line
    is shown once. Afterwards logging is what it was.

    Args:
        verbosity: absl's, for the length of the call.
    """
    root, former = logging.root, absl_logging.get_verbosity()
    loggers = (root, absl_logging.get_absl_logger())
    levels = [logger.level for logger in loggers]
    handlers = root.handlers[:]
    ours = logging.StreamHandler()
    _make_plain(ours)
    others = [each for each in handlers if not _writes_to_stderr(each)]
    root.handlers[:] = [*others, ours]
    absl_logging.set_verbosity(verbosity)
    try:
        yield
    finally:
        absl_logging.set_verbosity(former)
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _writes_to_stderr(handler):
    if handler is absl_logging.get_absl_handler():
        return True
    is_stream = isinstance(handler, logging.StreamHandler)
    return is_stream and handler.stream is sys.stderr


def _make_plain(handler):
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(is_ours_or_grave)


def is_ours_or_grave(record):
    """Whether a log record is a warning, or was written by this package."""
    return record.levelno > logging.INFO or record.pathname.startswith(PACKAGE)


def show(text):
    """Prints a result, as well as stdout can take it.

    What it cannot encode becomes a question mark; where nobody reads any more
    it is not shown. Either way the result itself is not lost.
    """
    try:
        print(_encodable(text), flush=True)
    except OSError as error:
        absl_logging.warning("results cannot be shown: %s", error)
        streams.silence(sys.stdout)


def _encodable(text):
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
