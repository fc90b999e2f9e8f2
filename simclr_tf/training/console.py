"""What a person reads while a run goes on: this project's own lines, bare."""

import contextlib
import logging
import os
import sys

from absl import logging as absl_logging

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
    in others; it stands aside. Afterwards logging is what it was.

    Args:
        verbosity: absl's, for the length of the call.
    """
    theirs = absl_logging.get_absl_handler()
    was_in_use = theirs in logging.root.handlers
    former = absl_logging.get_verbosity()
    ours = logging.StreamHandler()
    _make_plain(ours)
    logging.root.removeHandler(theirs)
    logging.root.addHandler(ours)  # absl adds another where there is none
    absl_logging.set_verbosity(verbosity)
    try:
        yield
    finally:
        absl_logging.set_verbosity(former)
        logging.root.removeHandler(ours)
        if was_in_use:
            logging.root.addHandler(theirs)


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
        with contextlib.suppress(OSError, ValueError):
            # Nor is Python to fail on it when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encodable(text):
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
