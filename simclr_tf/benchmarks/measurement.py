"""How every benchmark measures and reports: one JSON line per case."""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf

import simclr_tf
from simclr_tf import cores, cpu

BYTES_PER_KB = 1024
_STATUS = "/proc/self/status"


def parser(description):
    """An `argparse.ArgumentParser` with what all benchmarks take."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--output", help="file to append the JSON lines to")
    made.add_argument(
        "--repeats", type=int, default=5, help="rounds of timed calls, at most"
    )
    made.add_argument(
        "--budget_secs",
        type=float,
        default=120.0,
        help="for all of it; there are fewer rounds where it is short",
    )
    return made


def interleaved_secs(functions, budget, what):
    """Times several functions by turns, so that all see the same machine.

    Each is called once before, for tracing and compilation.

    Args:
        functions: dict of name -> zero-argument callable that ends when its
            work is done (it reads a result back, say).
        budget: a `budget.Budget`.
        what: is measured, for its lines.

    Returns:
        dict of name -> list of seconds.
    """
    secs = {name: [] for name in functions}
    for _ in budget.rounds(what):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            secs[name].append(time.perf_counter() - started)
    return {name: found[1:] for name, found in secs.items()}


def summary(values):
    """Median, spread (interquartile range) and number of measurements."""
    low, high = np.percentile(values, (25, 75))
    return {
        "median": statistics.median(values),
        "spread": float(high - low),
        "n": len(values),
    }


def peak_bytes():
    """Largest resident size of this process so far.

    Linux' `getrusage` will not do: a program starts with the peak of the
    process that started it.
    """
    if not os.path.exists(_STATUS):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open(_STATUS, encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * BYTES_PER_KB


def growth_bytes(before):
    """How far the peak has risen above `before`, at least 0.

    The kernel counts by batches of pages, so a peak may read a little lower
    than it did.
    """
    return max(peak_bytes() - before, 0)


def in_fresh_process(program, *arguments):
    """What a program prints as its last line, read as JSON.

    Args:
        program: a module by its dotted name, or the path of a file.
        *arguments: strings.

    Returns:
        The JSON value.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    how = [program] if program.endswith(".py") else ["-m", program]
    done = subprocess.run(
        [sys.executable, *how, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def report(benchmark, case, measured, *, output=None):
    """Prints one JSON line, and appends it to a file.

    Args:
        benchmark: name of the module.
        case: dict of what was varied.
        measured: dict of numbers; ratios name their baseline.
        output: path, or None.
    """
    line = json.dumps(
        {"benchmark": benchmark, "case": case, **measured, **environment()}
    )
    print(line, flush=True)
    if output:
        with open(output, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def environment():
    """What numbers depend on: device, CPU and versions."""
    devices = tf.config.list_physical_devices("GPU")
    details = map(tf.config.experimental.get_device_details, devices)
    names = [each.get("device_name", "GPU") for each in details]
    return {
        "device": names[0] if names else cpu.read().model,
        "cores": len(cores.schedulable()),
        "machine": cpu.record(),
        "versions": {
            "simclr_tf": simclr_tf.__version__,
            "tensorflow": tf.__version__,
            "python": platform.python_version(),
        },
    }
