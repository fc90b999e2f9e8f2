"""stdout and stderr as they may be: closed, full, or of a narrow encoding."""

import contextlib
import os
import sys

_STANDARD = {0: "stdin", 1: "stdout", 2: "stderr"}


def make_usable():
    """Has every stream take any text, and opens those that are closed.

    Else the next file that is opened takes the number of a closed one, and
    gets what libraries write to it.
    """
    for number, name in _STANDARD.items():
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number: this one
        if getattr(sys, name) is None and number:
            stream = os.fdopen(number, "w", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not that of a notebook
            stream.reconfigure(errors="replace")  # of the C locale, say


def say(text, stream):
    """Writes a text where somebody reads it; else it is not shown."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        silence(stream)


def silence(stream):
    """Sends all that is written to a stream nowhere from now on.

    So does what it still holds, on which Python would fail when it ends.
    """
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
