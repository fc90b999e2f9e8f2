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
    handler = absl_logging.get_absl_handler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(is_ours_or_grave)
    absl_logging.set_verbosity(absl_logging.INFO)


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
