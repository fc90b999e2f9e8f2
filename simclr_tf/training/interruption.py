"""A polite stop: finish the step, save, leave."""

import contextlib
import signal


class Interrupted(SystemExit):
    """Training was asked to stop; `code` is 128 + the signal's number."""

    def __init__(self, signal_number):
        """Remembers which signal it was."""
        super().__init__(128 + signal_number)


class StopRequest:
    """Becomes true when SIGINT or SIGTERM arrives."""

    def __init__(self):
        """No signal has arrived yet."""
        self.signal_number = None

    def __call__(self):
        """Whether a signal has arrived."""
        return self.signal_number is not None

    def raise_if_asked(self):
        """Raises `Interrupted` if a signal has arrived."""
        if self():
            raise Interrupted(self.signal_number)


@contextlib.contextmanager
def stop_on_signal():
    """Context in which the first signal only sets a flag.

    A second one acts at once. The former handlers come back on exit. Outside
    the main thread Python allows no handlers, so there the flag stays unset.

    Yields:
        A `StopRequest`.
    """
    request = StopRequest()
    former = {}

    def handle(number, frame):
        request.signal_number = number
        signal.signal(number, former[number])

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            former[number] = signal.getsignal(number)
            signal.signal(number, handle)
    except ValueError:
        former.clear()
    try:
        yield request
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
