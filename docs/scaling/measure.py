"""How cost grows: measured curves, and a model of many accelerators.

    python docs/scaling/measure.py [--measure]

With --measure it first measures the points that the data do not hold, each in
a fresh process, appending one JSON line for each: about five minutes on two
cores. It may be interrupted; what --budget_secs leaves out is measured the next
time. It always draws the plots and prints the
tables behind them.
"""

import json
import os
import time

import cluster
import plots
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.benchmarks import budget, loss, measurement, memory
from simclr_tf.commands import plan_probe
from simclr_tf.config import Config
from simclr_tf.setup import devices, networks, plan_of_run

HERE = os.path.dirname(os.path.abspath(__file__))
DENSE_SIZES = (64, 256, 1024, 4096, 8192)
STREAMING_SIZES = (*DENSE_SIZES, 16384, 32768, 65536)
IMAGE_SIZES = (32, 64, 96, 128, 160, 224)
IMAGE_BATCH, IMAGE_DEPTH = 16, 18
REPLICAS = (1, 2, 4)
REPLICA_BATCH = 64
ENOUGH_SECS = 2.0
MAX_CALLS = 9
POINTS = (
    *(f"loss:dense:{n}" for n in DENSE_SIZES),
    *(f"loss:streaming:{n}" for n in STREAMING_SIZES),
    *(f"size:{IMAGE_DEPTH}:{n}" for n in IMAGE_SIZES),
    *(f"replicas:{REPLICA_BATCH}:{n}" for n in REPLICAS),
)


def main(arguments=None):
    """Measures if asked, and draws; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--data", default=f"{HERE}/measured.jsonl")
    parser.add_argument("--output_dir", default=f"{HERE}/../images")
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--points", default=",".join(POINTS))
    parser.add_argument("--one", help="(for the fresh process) a point")
    cluster.add_arguments(parser)
    options = parser.parse_args(arguments)
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    if options.measure:
        measure_missing(
            options.points.split(","), options.data, budget.Budget(options)
        )
    os.makedirs(options.output_dir, exist_ok=True)
    draw_measured(read(options.data), options.output_dir)
    cluster.draw(options, options.output_dir)


def measure_missing(points, path, share):
    """Appends to a file of JSON lines the points that it does not hold.

    Args:
        points: names such as those of `POINTS`.
        path: of the file.
        share: a `budget.Budget`.
    """
    known = read(path)
    for point in share.cases(p for p in points if p not in known):
        found = measurement.in_fresh_process(__file__, f"--one={point}")
        measurement.report("scaling", {"point": point}, found, output=path)


def read(path):
    """Point -> what was measured, of a file of JSON lines; {} if absent."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return {line["case"]["point"]: line for line in lines}


def measure(point):
    """A dict of numbers: seconds, and MB of growth of this process.

    Raises:
        errors.UserError: if there is no such point.
    """
    kind, variant, number = [*point.split(":"), "", ""][:3]
    makers = {"loss": _loss, "size": _size, "replicas": _replicas}
    if kind not in makers or not number.isdigit():
        raise errors.UserError(
            f"points must be like {POINTS[0]}; got {point!r}"
        )
    return makers[kind](variant, int(number))


def _loss(kind, num_images):
    loss.make_call(kind, loss.FEW_IMAGES)()
    call = loss.make_call(kind, num_images)
    before, grown, secs = measurement.peak_bytes(), 0, []
    while sum(secs) < ENOUGH_SECS and len(secs) <= MAX_CALLS:
        started = time.perf_counter()
        call()
        secs.append(time.perf_counter() - started)
        grown = grown or measurement.growth_bytes(before)
    # The first call traces, too; of seconds of work that is little.
    return {
        "secs": measurement.summary(secs[1:] or secs),
        "memory_mb": grown / 1e6,
    }


def _size(depth, image_size):
    found = memory.compare(
        memory.configuration(f"{depth}:{image_size}:{IMAGE_BATCH}")
    )
    return {"secs": found["step_secs"], "memory_mb": found["measured_mb"]}


def _replicas(batch_size, num_replicas):
    config = Config(
        mode="plan",
        dataset="digits",
        image_size=32,
        resnet_depth=10,
        width_multiplier=0.5,
        train_batch_size=int(batch_size),
        num_replicas=num_replicas,
    )
    strategy = devices.make_strategy(config)
    numbers = plan_of_run.Plan(num_replicas, 100, 0, 100, 10)
    tf.linalg.matmul(tf.ones([8, 8]), tf.ones([8, 8])).numpy()
    before = measurement.peak_bytes()
    with strategy.scope():
        state = networks.make_train_state(
            config, num_classes=10, total_steps=100, warmup_steps=0
        )
    timing = plan_probe.time_pretraining(config, numbers, state, strategy)
    grown = measurement.growth_bytes(before)
    return {"secs": timing.secs, "memory_mb": grown / 1e6}


def draw_measured(found, directory):
    """Draws what was measured: three PNG files.

    Args:
        found: as `read` gives.
        directory: where they go.
    """
    if not found:
        return
    line = next(iter(found.values()))
    device = (
        f"{line['device']}, {line['cores']} cores, TensorFlow "
        f"{line['versions']['tensorflow']}"
    )
    _save(
        f"{directory}/loss.png",
        {kind: curve(found, f"loss:{kind}") for kind in ("dense", "streaming")},
        ("NT-Xent with gradient, P = 128", "images N of the batch"),
        device,
    )
    _save(
        f"{directory}/image_size.png",
        {"": curve(found, f"size:{IMAGE_DEPTH}")},
        (f"step, ResNet-{IMAGE_DEPTH}, batch {IMAGE_BATCH}", "image side (px)"),
        f"{device}; 32 px with the CIFAR stem",
    )
    _save(
        f"{directory}/replicas.png",
        {"": curve(found, f"replicas:{REPLICA_BATCH}")},
        (f"step, ResNet-10 x 0.5, batch {REPLICA_BATCH}", "replicas"),
        f"{device}; all replicas share the cores",
    )


def curve(found, prefix):
    """(sizes, seconds, MB) of the points "prefix:size", by size."""
    rows = []
    for point, line in found.items():
        start, _, number = point.rpartition(":")
        secs = line["secs"]
        if start == prefix:
            secs = secs["median"] if isinstance(secs, dict) else secs
            rows.append((int(number), secs, line["memory_mb"]))
    return tuple(zip(*sorted(rows), strict=True)) or ((), (), ())


def rows_of(curves):
    """Curves as rows of a table, a line for each size of each curve."""
    return [
        {"of": f"{name} {size:,}", "s": secs, "MB": megabytes}
        for name, curve in curves.items()
        for size, secs, megabytes in zip(*curve, strict=True)
    ]


def _save(path, curves, titles, footer):
    title, x_label = titles
    print(f"\n{title}\n\n{cluster.table(rows_of(curves))}")
    plots.save_panels(
        path,
        [
            plots.Panel(
                f"{what}: {title}",
                x_label,
                f"{what} ({unit})",
                {name: (c[0], c[column]) for name, c in curves.items()},
            )
            for column, what, unit in ((1, "time", "s"), (2, "memory", "MB"))
        ],
        footer=footer,
    )


if __name__ == "__main__":
    main()
