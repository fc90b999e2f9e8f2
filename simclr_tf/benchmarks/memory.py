"""The plan's estimate of memory beside the measured peak.

    python -m simclr_tf.benchmarks.memory [--cases=18:32:256:remat,...]

Every case is a fresh process that takes real training steps on made-up images.
Measured is the growth of its peak size since TensorFlow was imported; the
estimate is that of `--mode=plan`, its own base left out.
"""

import json

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.benchmarks import budget, measurement
from simclr_tf.commands import plan, plan_probe
from simclr_tf.config import Config
from simclr_tf.planning import memory
from simclr_tf.setup import networks, plan_of_run

MODULE = "simclr_tf.benchmarks.memory"
NUM_CLASSES = 10
CASES = (
    "18:32:64",
    "18:32:256:momentum",
    "18:32:256:remat",
    "18:32:512:bfloat16",
    "18:32:512:micro=64",
    "50:64:128",
    "50:64:256:bfloat16",
    "50:224:16",
    "50:224:32:bfloat16",
    "50:224:32:remat",
)
_SWITCHES = {
    "bfloat16": {"precision": "bfloat16"},
    "momentum": {"optimizer": "momentum"},
    "adam": {"optimizer": "adam"},
    "remat": {"remat": True},
    "streaming": {"nt_xent": "streaming"},
    "nojit": {"jit": "off"},
}


def main(arguments=None):
    """Measures every case; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument(
        "--cases",
        default=",".join(CASES),
        help="depth:image_size:batch, and any of micro=m, "
        + ", ".join(_SWITCHES),
    )
    parser.add_argument("--one", help="(for the fresh process) a case")
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(compare(configuration(options.one))))
        return
    cases = options.cases.split(",")
    for case in cases:
        configuration(case)  # complains before anything is run
    for case in budget.Budget(options).cases(cases):
        found = measurement.in_fresh_process(MODULE, f"--one={case}")
        measurement.report(
            "memory", {"case": case}, found, output=options.output
        )


def configuration(case):
    """The `Config` of a case such as "50:224:16:bfloat16:micro=4".

    Raises:
        errors.UserError: if it is none.
    """
    depth, size, batch, *switches = [*case.split(":"), "", ""]
    values = {}
    for switch in filter(None, switches):
        name, _, number = switch.partition("=")
        if name == "micro" and number.isdigit():
            values["microbatch_size"] = int(number)
        elif switch in _SWITCHES:
            values |= _SWITCHES[switch]
        else:
            raise _bad(case)
    if not (depth.isdigit() and size.isdigit() and batch.isdigit()):
        raise _bad(case)
    return Config(
        mode="plan",
        dataset="digits",
        resnet_depth=int(depth),
        image_size=int(size),
        train_batch_size=int(batch),
        **values,
    )


def compare(config):
    """Trains some steps; estimate, measured peak and their ratio.

    Args:
        config: a `Config`.

    Returns:
        A dict of numbers, MB and seconds.
    """
    strategy = tf.distribute.get_strategy()
    numbers = plan_of_run.Plan(1, 100, 0, 100, NUM_CLASSES)
    tf.linalg.matmul(tf.ones([8, 8]), tf.ones([8, 8])).numpy()
    before = measurement.peak_bytes()
    state = networks.make_train_state(
        config, num_classes=NUM_CLASSES, total_steps=100, warmup_steps=0
    )
    timing = plan_probe.time_pretraining(config, numbers, state, strategy)
    measured = measurement.growth_bytes(before)
    # Read off the graph last, as it leaves a graph behind.
    shape = plan.shape_of(config, state)
    expected = memory.estimate(shape, plan.load_of(config, 1))
    return {
        "estimate_mb": expected.total / 1e6,
        "measured_mb": measured / 1e6,
        "ratio_estimate_to_measured": expected.total / measured,
        "parts_mb": {k: v / 1e6 for k, v in expected._asdict().items()},
        "step_secs": timing.secs,
    }


def _bad(case):
    return errors.UserError(
        "cases must be depth:image_size:batch, then any of micro=m, "
        f"{', '.join(_SWITCHES)}; got {case!r}"
    )


if __name__ == "__main__":
    main()
