import io
import logging as python_logging
import subprocess
import sys

import pytest
from absl import logging

from simclr_tf.training import console


@pytest.fixture
def own_handler():
    """absl's handler as it was, afterwards."""
    handler = logging.get_absl_handler()
    verbosity = logging.get_verbosity()
    was_in_use = handler in python_logging.root.handlers
    yield handler
    if not was_in_use:
        python_logging.root.removeHandler(handler)
    handler.removeFilter(console.is_ours_or_grave)
    handler.setFormatter(logging.PythonFormatter())
    logging.set_verbosity(verbosity)


def record(level, path):
    return python_logging.LogRecord("absl", level, path, 1, "text", (), None)


def test_our_notes_and_all_warnings_are_shown():
    ours, theirs = f"{console.PACKAGE}/methods/pretrain.py", "/elsewhere/x.py"
    assert console.is_ours_or_grave(record(python_logging.INFO, ours))
    assert not console.is_ours_or_grave(record(python_logging.INFO, theirs))
    assert console.is_ours_or_grave(record(python_logging.WARNING, theirs))


def test_lines_are_bare(own_handler):
    console.speak_plainly()
    assert logging.get_verbosity() == logging.INFO
    line = own_handler.format(record(python_logging.INFO, console.PACKAGE))
    assert line == "text"


@pytest.mark.parametrize("in_use", [False, True])
def test_a_call_from_python_leaves_logging_as_it_was(own_handler, in_use):
    if in_use:
        logging.use_absl_handler()
    state = root_and_absl()
    with console.speaking_plainly():
        assert logging.get_verbosity() == logging.INFO
        assert own_handler not in python_logging.root.handlers
    with (
        pytest.raises(KeyError, match="of the call"),
        console.speaking_plainly(),
    ):
        raise KeyError("of the call")
    assert root_and_absl() == state


def test_a_warning_of_a_call_from_python_is_bare(capsys):
    with console.speaking_plainly(logging.WARNING):
        logging.info("a note")
        logging.warning("a warning")
    assert capsys.readouterr().err == "a warning\n"


def root_and_absl():
    """What a call may not change."""
    return set(python_logging.root.handlers), logging.get_verbosity()


def test_for_a_call_every_line_is_shown_once(own_handler, capsys):
    """Also where the caller has a handler that writes to stderr."""
    own = python_logging.StreamHandler()
    python_logging.root.addHandler(own)
    former = own_handler.python_handler.setStream(own.stream)
    handlers = python_logging.root.handlers[:]
    try:
        with console.speaking_plainly():
            logging.warning("a line")
        assert python_logging.root.handlers == handlers
    finally:
        python_logging.root.removeHandler(own)
        own_handler.python_handler.setStream(former)
    assert capsys.readouterr().err.splitlines().count("a line") == 1


def test_what_stdout_cannot_encode_is_a_question_mark(monkeypatch):
    """As under the C locale, or PYTHONIOENCODING=ascii."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding="ascii")
    monkeypatch.setattr(console.sys, "stdout", stream)
    console.show("70.6 ± 4.9")
    assert written.getvalue() == b"70.6 ? 4.9\n"


CHILD = """
import sys, time
from simclr_tf.training import console
time.sleep(1)  # until nobody reads
for _ in range(3):
    console.show("a result")
print("written", file=sys.stderr)
"""


def test_where_nobody_reads_the_result_is_not_lost():
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    child.stdout.close()
    errors = child.stderr.read()
    assert child.wait() == 0, errors
    assert errors.splitlines()[-1] == "written"
    assert errors.count("results cannot be shown") == 1
