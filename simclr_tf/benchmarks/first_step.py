"""A run up to its first step, with the time of each phase as a JSON line.

    python -m simclr_tf.benchmarks.first_step LAUNCHED --preset=quickstart ...

LAUNCHED is the `time.time()` at which the process was started. The command
line runs as ever; a clock is hung on the functions that end the phases, and the
run ends with the first step. Nothing slow is imported before it.
"""

import functools
import json
import runpy
import sys
import time


class Clock:
    """Seconds of each phase, a dict `secs`, since the one before."""

    def __init__(self, started):
        """`started` is a `time.time()`."""
        self.secs = {}
        self._last = started

    def mark(self, phase):
        """Ends a phase; more time is added to one that ended before."""
        now = time.time()
        self.secs[phase] = self.secs.get(phase, 0.0) + now - self._last
        self._last = now


def main(arguments):
    """Runs until the first step; see the module."""
    launched, *flags = arguments
    clock = Clock(float(launched))
    watch(clock)
    clock.mark("import")
    sys.argv = ["simclr-tf", *flags]
    runpy.run_module("simclr_tf", run_name="__main__")


def watch(clock):
    """Hangs the clock on the functions that end the phases of a run."""
    from simclr_tf.methods import pretrain, training_run
    from simclr_tf.setup import devices, networks
    from simclr_tf.training import loop

    mark_after(devices, "make_strategy", clock, "devices")
    mark_after(pretrain, "check_labels", clock, "data")
    mark_after(networks, "make_train_state", clock, "build")
    mark_after(training_run, "make_iterator", clock, "input")
    mark_after(training_run, "write_sample_views", clock, "sample_views")

    def finish(*_):
        clock.mark("first_step")
        print(json.dumps(clock.secs), flush=True)
        sys.exit(0)

    loop.check_finite = finish


def mark_after(module, name, clock, phase):
    """Makes a function of a module end a phase."""
    function = getattr(module, name)

    @functools.wraps(function)
    def timed(*args, **kwargs):
        result = function(*args, **kwargs)
        clock.mark(phase)
        return result

    setattr(module, name, timed)


if __name__ == "__main__":
    main(sys.argv[1:])
