"""The memory a training step needs, by parts.

Found by experiment (`simclr_tf.benchmarks.memory` repeats it): activations are
what `activations` reads off the graph, within 3% per row; the rest is fixed by
the network and this machine's software. Constants below were fitted on
ResNet-10, 18 and 50 at 8 to 224 px, float32 and bfloat16, on a CPU.
"""

from typing import NamedTuple

from simclr_tf.losses import ntxent_streaming

FLOAT_BYTES = 4
VIEWS_PER_IMAGE = 2
RUNTIME_BYTES = 130_000_000
"""Kernels and threads' heaps, once the first step has run."""
COMPILER_BYTES = 180_000_000
"""XLA's, once the views are compiled."""
BYTES_PER_OPERATION = 75_000
"""Of the traced step: definitions, their optimised copies, executors."""
VIEW_COPIES = 4
"""Float copies of the views while they are made."""
WAITING_BATCHES = 2
"""Batches made ahead by the input."""
DENSE_MATRICES = 3.4
"""Matrices of all pairs that the dense loss holds; measured 3.1 to 3.9."""
STREAMING_TILES = 10
"""Tiles of the streaming loss in memory, two threads at work."""
STREAMING_COPIES = 1.5
"""Of all rows, in the streaming loss."""
UPDATE_COPIES = 1
"""Of the weights, while the optimizer moves them."""
RETAINED = {"float32": 1.1, "bfloat16": 1.35}
"""What the allocator holds after some steps, over what is in use. The smaller
tensors of bfloat16 come from heaps that are not given back whole."""


class Shape(NamedTuple):
    """What the memory of one replica depends on, in numbers.

    Attributes:
        parameters: trainable ones.
        statistics: others, of batch norm.
        slots: numbers that the optimizer keeps.
        activations: `activations.Activations`.
        image_size: side of a view, px.
        width: of the projections, P.
        precision: "float32" or "bfloat16".
    """

    parameters: int
    statistics: int
    slots: int
    activations: tuple
    image_size: int
    width: int
    precision: str


class Load(NamedTuple):
    """What one step does.

    Attributes:
        images: of the global batch.
        num_replicas: sharing it.
        microbatch: images of one replica whose activations are held at once;
            0 for all.
        streaming: whether the loss is.
        compiled: whether XLA compiles anything.
        accelerator: whether the memory is an accelerator's, which holds
            neither the runtime nor the heaps of threads.
    """

    images: int
    num_replicas: int = 1
    microbatch: int = 0
    streaming: bool = False
    compiled: bool = True
    accelerator: bool = False

    @property
    def local_images(self):
        """Images of one replica."""
        return self.images // self.num_replicas

    @property
    def held_images(self):
        """Images of one replica whose activations are held at once."""
        return self.microbatch or self.local_images


class Estimate(NamedTuple):
    """Bytes by part, of one replica.

    Attributes:
        weights: with moving statistics.
        gradients: and the sums of microbatches', and the update's copies.
        slots: of the optimizer.
        activations: kept for the backward pass, at its peak.
        views: and the batches they come from.
        loss: with its gradient.
        runtime: of the framework, beyond importing it.
    """

    weights: int
    gradients: int
    slots: int
    activations: int
    views: int
    loss: int
    runtime: int

    @property
    def total(self):
        """Bytes of all parts."""
        return sum(self)


def projection_width(model):
    """P of a built `SimCLR`, whatever its projection head."""
    layers = model.projection_head.layers
    return layers[-1].dense.units if layers else model.encoder.num_features


def estimate(shape, load):
    """The `Estimate` of a `Shape` under a `Load`."""
    held_rows = VIEWS_PER_IMAGE * load.held_images
    copies = 1 + UPDATE_COPIES + bool(load.microbatch)
    retained = 1.0 if load.accelerator else RETAINED[shape.precision]
    return Estimate(
        weights=FLOAT_BYTES * (shape.parameters + shape.statistics),
        gradients=FLOAT_BYTES * shape.parameters * copies,
        slots=FLOAT_BYTES * shape.slots,
        activations=round(held_rows * shape.activations.peak * retained),
        views=views_bytes(shape.image_size, load),
        loss=loss_bytes(shape.width, load),
        runtime=0 if load.accelerator else runtime_bytes(shape, load),
    )


def runtime_bytes(shape, load):
    """What the framework takes beyond being imported, on a CPU."""
    graph = BYTES_PER_OPERATION * shape.activations.operations
    return RUNTIME_BYTES + COMPILER_BYTES * load.compiled + graph


def views_bytes(image_size, load):
    """Both views of the images held, and the batches behind them."""
    pixels = 3 * image_size**2
    held = FLOAT_BYTES * VIEWS_PER_IMAGE * load.held_images * pixels
    batch = VIEWS_PER_IMAGE * load.local_images * pixels  # uint8 crops
    return VIEW_COPIES * held + (1 + WAITING_BATCHES) * batch


def loss_bytes(width, load):
    """Extra memory of NT-Xent with its gradient, on one replica."""
    local_rows = VIEWS_PER_IMAGE * load.local_images
    rows = VIEWS_PER_IMAGE * load.images
    if not load.streaming:
        return round(FLOAT_BYTES * DENSE_MATRICES * local_rows * rows)
    side = min(ntxent_streaming.TILE_ROWS, local_rows)
    tiles = STREAMING_TILES * side * side
    return round(FLOAT_BYTES * (tiles + STREAMING_COPIES * rows * width))


def largest_microbatch(shape, load, *, memory_bytes):
    """The most images whose activations fit.

    Args:
        shape: `Shape`.
        load: `Load`; its `microbatch` is not read.
        memory_bytes: of one replica, beyond importing the framework.

    Returns:
        0 if the whole batch fits; else the largest divisor of a replica's
        batch that fits; None if none does.
    """
    if estimate(shape, load._replace(microbatch=0)).total <= memory_bytes:
        return 0
    local = load.local_images
    for size in range(local // 2, 0, -1):
        smaller = load._replace(microbatch=size)
        fits = estimate(shape, smaller).total <= memory_bytes
        if fits and local % size == 0:
            return size
    return None
