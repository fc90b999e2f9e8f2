"""How long users wait: for help, for the import, for the first step.

    python -m simclr_tf.benchmarks.startup --arguments=--preset=quickstart

Every measurement is a fresh process, by turns; the baseline of the ratios is
`python -c "import tensorflow"`. The first step is that of a run of the command
line with `--arguments` (several by spaces), in an empty `model_dir`, and its
time is told by phases (see `first_step`).
"""

import shlex
import subprocess
import sys
import tempfile
import time

from simclr_tf.benchmarks import budget, measurement

BASELINE = "import_tensorflow"
COMMANDS = {
    BASELINE: ("-c", "import tensorflow"),
    "import_simclr_tf": ("-c", "import simclr_tf"),
    "help": ("-m", "simclr_tf", "--help"),
}
FIRST_STEP = "first_step"
CHILD = "simclr_tf.benchmarks.first_step"


def main(arguments=None):
    """Measures every case; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--arguments", default="--preset=quickstart")
    parser.add_argument(
        "--cases", default=",".join((*COMMANDS, FIRST_STEP)), help="to measure"
    )
    measure(parser.parse_args(arguments))


def measure(options):
    """Reports each case beside the baseline."""
    names = [BASELINE]
    names += [n for n in options.cases.split(",") if n != BASELINE]
    found = {name: [] for name in names}
    for _ in budget.Budget(options).rounds("processes", warms_up=False):
        for name in names:
            found[name].append(phases_of(name, options.arguments))
    first = measurement.summary(totals(found[BASELINE]))["median"]
    for name in names:
        took = measurement.summary(totals(found[name]))
        case = {"what": name}
        if name == FIRST_STEP:
            case["arguments"] = options.arguments
        measurement.report(
            "startup",
            case,
            {
                "secs": took,
                f"ratio_to_{BASELINE}": took["median"] / first,
                "phases": medians(found[name]),
            },
            output=options.output,
        )


def phases_of(name, arguments):
    """Seconds of one fresh process, a dict of phase -> seconds.

    Args:
        name: a key of `COMMANDS`, timed to its end, or `FIRST_STEP`.
        arguments: of the run, for `FIRST_STEP`.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    if name == FIRST_STEP:
        return first_step_phases(shlex.split(arguments))
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *COMMANDS[name]], check=True, capture_output=True
    )
    return {"process": time.perf_counter() - started}


def first_step_phases(arguments):
    """Seconds from launch to the first step, by phases."""
    with tempfile.TemporaryDirectory() as directory:
        return measurement.in_fresh_process(
            CHILD, str(time.time()), *arguments, f"--model_dir={directory}/run"
        )


def totals(found):
    """Seconds of whole processes, a list."""
    return [sum(phases.values()) for phases in found]


def medians(found):
    """Median seconds of every phase, a dict."""
    return {
        name: measurement.summary([phases[name] for phases in found])["median"]
        for name in found[0]
    }


if __name__ == "__main__":
    main()
