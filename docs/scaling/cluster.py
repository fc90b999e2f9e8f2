"""What many accelerators would take: a model, not a measurement.

ResNet-50 at 224 px in bfloat16 with synchronised batch norm, in two ways: a
fixed number of images for each accelerator (weak scaling), and a fixed batch
shared by all (strong scaling). Memory is that of `planning.memory` without the
framework's own; traffic and time are those of `traffic`.
"""

import functools

import plots
import traffic

from simclr_tf.config import Config
from simclr_tf.losses import implementations
from simclr_tf.planning import activations, memory, products
from simclr_tf.setup import networks

ACCELERATORS = (8, 16, 32, 64, 128, 256, 512)
DEPTH, IMAGE_SIZE = 50, 224
_DEFAULTS = traffic.Cluster()


def add_arguments(parser):
    """Adds the assumptions of the model to an `ArgumentParser`."""
    for name, default in _DEFAULTS._asdict().items():
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--local_batch", type=int, default=64)
    parser.add_argument("--global_batch", type=int, default=4096)


def draw(options, directory):
    """Prints both tables in Markdown and draws them, two PNG files.

    Args:
        options: with the attributes of `add_arguments`.
        directory: where the files go.
    """
    cluster = traffic.Cluster(
        *(getattr(options, name) for name in traffic.Cluster._fields)
    )
    network, shape = network_and_shape()
    for name, local in (
        ("weak", lambda _: options.local_batch),
        ("strong", lambda replicas: options.global_batch // replicas),
    ):
        rows = [
            row(network, shape, cluster, load_of(replicas, local(replicas)))
            for replicas in ACCELERATORS
            if local(replicas)
        ]
        print(f"\n{name}\n\n{table(rows)}", flush=True)
        _save(f"{directory}/{name}_scaling.png", rows, cluster)


@functools.cache
def network_and_shape():
    """The `traffic.Network` and `memory.Shape` of the model's network."""
    config = Config(
        mode="plan",
        dataset="imagenet2012",
        resnet_depth=DEPTH,
        image_size=IMAGE_SIZE,
        precision="bfloat16",
        fused_bn=False,
    )
    state = networks.make_train_state(
        config, num_classes=None, total_steps=2, warmup_steps=0
    )
    model = state.model
    held = activations.activations_of(model, image_size=IMAGE_SIZE)
    shape = memory.Shape(
        parameters=model.count_params(),
        statistics=0,
        slots=model.count_params(),
        activations=held,
        image_size=IMAGE_SIZE,
        width=memory.projection_width(model),
        precision=config.precision,
    )
    flops = products.training_flops(model, image_size=IMAGE_SIZE)
    return traffic.network_of(model, flops_per_view=flops), shape


def load_of(num_replicas, local_images):
    """The `memory.Load` of some images on each accelerator."""
    images = num_replicas * local_images
    return memory.Load(
        images=images,
        num_replicas=num_replicas,
        streaming=implementations.is_large(images, num_replicas=num_replicas),
        accelerator=True,
    )


def row(network, shape, cluster, load):
    """One line of a table: a dict of column -> number."""
    where = {
        "local_images": load.local_images,
        "num_replicas": load.num_replicas,
        "streaming": load.streaming,
    }
    sent = traffic.traffic(network, **where)
    time = traffic.step_time(network, cluster, **where)
    needed = memory.estimate(shape, load)
    return {
        "accelerators": load.num_replicas,
        "batch": load.images,
        "projections MB": (sent.projections + sent.backwards) / 1e6,
        "statistics MB": sent.statistics / 1e6,
        "gradients MB": sent.gradients / 1e6,
        "all-reduces": sent.num_calls,
        "memory GB": needed.total / 1e9,
        "network ms": 1e3 * time.network,
        "loss ms": 1e3 * time.loss,
        "sending ms": 1e3 * time.bytes,
        "waiting ms": 1e3 * time.waiting,
        "step ms": 1e3 * time.total,
        "images/s": load.images / time.total,
    }


def table(rows):
    """Rows of numbers as Markdown."""
    names = list(rows[0]) if rows else ["nothing"]
    lines = [names, ["---:"] * len(names)]
    lines += [[_short(row[name]) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _short(number):
    if isinstance(number, str):
        return number
    if number and abs(number) < 100 and number != int(number):
        return f"{number:.3g}"
    return f"{number:,.0f}"


def _range(numbers):
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _save(path, rows, cluster):
    def column(name):
        return [r["accelerators"] for r in rows], [r[name] for r in rows]

    times = ("network ms", "loss ms", "sending ms", "waiting ms")
    named = {name.split()[0]: column(name) for name in times}
    plots.save_panels(
        path,
        [
            plots.Panel("step by part", "accelerators", "time (ms)", named),
            plots.Panel(
                "throughput",
                "accelerators",
                "images/s",
                {"": column("images/s")},
            ),
            plots.Panel(
                "memory of each",
                "accelerators",
                "memory (GB)",
                {"": column("memory GB")},
            ),
        ],
        footer=f"Model, not measured: ResNet-{DEPTH} at {IMAGE_SIZE} px, "
        f"bfloat16, batch {_range([row['batch'] for row in rows])}; "
        f"{cluster.flops_per_sec / 1e12:g} TFLOP/s at "
        f"{cluster.efficiency:g}, {cluster.bytes_per_sec / 1e9:g} GB/s, "
        f"{cluster.latency_secs * 1e6:g} us a message",
    )
