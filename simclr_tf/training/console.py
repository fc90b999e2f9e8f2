"""What a person reads while a run goes on: this project's own lines, bare."""

import logging
import os

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
