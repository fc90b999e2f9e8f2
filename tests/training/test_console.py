import logging as python_logging

import pytest
from absl import logging

from simclr_tf.training import console


@pytest.fixture
def own_handler():
    """absl's handler as it was, afterwards."""
    handler = logging.get_absl_handler()
    verbosity = logging.get_verbosity()
    yield handler
    handler.removeFilter(console.is_ours_or_grave)
    handler.setFormatter(logging.PythonFormatter())
    logging.set_verbosity(verbosity)


def record(level, path):
    return python_logging.LogRecord("absl", level, path, 1, "text", (), None)


def test_our_notes_and_all_warnings_are_shown():
    ours, theirs = f"{console.PACKAGE}/tasks/pretrain.py", "/elsewhere/x.py"
    assert console.is_ours_or_grave(record(python_logging.INFO, ours))
    assert not console.is_ours_or_grave(record(python_logging.INFO, theirs))
    assert console.is_ours_or_grave(record(python_logging.WARNING, theirs))


def test_lines_are_bare(own_handler):
    console.speak_plainly()
    assert logging.get_verbosity() == logging.INFO
    line = own_handler.format(record(python_logging.INFO, console.PACKAGE))
    assert line == "text"
