"""How long a benchmark takes, and what it says meanwhile."""

import sys
import time


class Budget:
    """Shares the seconds of a benchmark out among its measurements.

    A measurement is made of rounds: as many as are asked for, or as many as
    fit its share of the time, but one in any case. What one leaves over
    goes to the next.

    Args:
        options: of `measurement.parser`: `budget_secs` for all of it, and
            `repeats`, the most rounds that count.
        parts: how many measurements there are.
    """

    def __init__(self, options, *, parts=1):
        """Starts the clock."""
        self._secs = options.budget_secs
        self._repeats = options.repeats
        self._parts = parts
        self._started = time.perf_counter()

    def rounds(self, what, *, warms_up=True):
        """Yields the number of each round of the next measurement.

        Args:
            what: is measured, for the lines on stderr.
            warms_up: whether round 0 comes before those that count.
        """
        now = time.perf_counter()
        until = now + max(self._left(), 0) / max(self._parts, 1)
        self._parts -= 1
        if warms_up:
            self.say(f"{what}: the first round, which does not count")
            yield 0
        took = 0.0
        for number in range(1, 1 + self._repeats):
            began = time.perf_counter()
            if number > 1 and began + took > until:
                return
            self.say(f"{what}: round {number} of at most {self._repeats}")
            yield number
            took = time.perf_counter() - began

    def cases(self, names):
        """Yields each name while there is time, the first in any case.

        The names left out are told on stderr.
        """
        names = list(names)
        for index, name in enumerate(names):
            if index and self._left() <= 0:
                self.say(
                    f"left out: {', '.join(names[index:])}; more "
                    "--budget_secs measures them"
                )
                return
            self.say(f"{name}, {index + 1} of {len(names)}")
            yield name

    def say(self, text):
        """Writes a line to stderr, with the seconds used so far."""
        used = self._secs - self._left()
        print(
            f"[{used:.0f} of {self._secs:g} s] {text}",
            file=sys.stderr,
            flush=True,
        )

    def _left(self):
        return self._secs - (time.perf_counter() - self._started)
