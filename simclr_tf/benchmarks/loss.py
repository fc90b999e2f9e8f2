"""NT-Xent with its gradient: dense against streaming, time and memory.

    python -m simclr_tf.benchmarks.loss --sizes=1024,4096,8192

Memory is the increase of the process's peak size in a fresh process, over that
after a call on a few rows.
"""

import json

import numpy as np
import tensorflow as tf

from simclr_tf.benchmarks import budget, measurement
from simclr_tf.losses import ntxent, ntxent_streaming

KINDS = {
    "dense": ntxent.nt_xent,
    "streaming": ntxent_streaming.nt_xent_streaming,
}
WIDTH = 128  # P, the paper's
FEW_IMAGES = 8
MODULE = "simclr_tf.benchmarks.loss"


def main(arguments=None):
    """Measures every size; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--sizes", default="1024,4096,8192", help="images N")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--memory_of", help="(for the fresh process) kind,N")
    options = parser.parse_args(arguments)
    if options.memory_of:
        kind, num_images = options.memory_of.split(",")
        print(json.dumps(memory_bytes(kind, int(num_images))))
        return
    kinds = options.kinds.split(",")
    sizes = [int(size) for size in options.sizes.split(",")]
    shares = budget.Budget(options, parts=len(sizes))
    for num_images in sizes:
        measure(num_images, kinds, options, shares)


def measure(num_images, kinds, options, shares):
    """Reports each kind of loss at one size, the first as the baseline."""
    calls = {kind: make_call(kind, num_images) for kind in kinds}
    secs = measurement.interleaved_secs(calls, shares, f"N = {num_images}")
    first = measurement.summary(secs[kinds[0]])["median"]
    for kind in kinds:
        time = measurement.summary(secs[kind])
        memory = measurement.in_fresh_process(
            MODULE, f"--memory_of={kind},{num_images}"
        )
        measurement.report(
            "loss",
            {"kind": kind, "images": num_images, "width": WIDTH},
            {
                "secs": time,
                f"ratio_to_{kinds[0]}": time["median"] / first,
                "memory_mb": memory / 1e6,
            },
            output=options.output,
        )


def make_call(kind, num_images):
    """A zero-argument callable that computes loss, metrics and gradient."""
    rows = random_rows(num_images)

    @tf.function
    def step(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            contrast = KINDS[kind](rows, temperature=0.1)
        gradient = tape.gradient(contrast.loss, rows)
        return gradient, contrast.accuracy, contrast.entropy

    def call():
        gradient, accuracy, entropy = step(rows)
        return gradient.numpy(), float(accuracy), float(entropy)

    return call


def random_rows(num_images):
    """float32 [2 N, P], the same at every call."""
    rng = np.random.default_rng(0)
    return tf.constant(rng.standard_normal((2 * num_images, WIDTH)), "float32")


def memory_bytes(kind, num_images):
    """Peak increase of this process by one call, in bytes."""
    make_call(kind, FEW_IMAGES)()
    call = make_call(kind, num_images)
    before = measurement.peak_bytes()
    call()
    return measurement.growth_bytes(before)


if __name__ == "__main__":
    main()
