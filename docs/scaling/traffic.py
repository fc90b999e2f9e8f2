"""What replicas send each other in a step, and what a step then takes.

Dimension letters: `b` images of one replica, `R` replicas, `P` projection
width, `C` channels of a batch norm.
"""

import math
from typing import NamedTuple

from simclr_tf.models import norm
from simclr_tf.planning import memory

_FLOAT_BYTES = 4
_VIEWS = 2
_DENSE_PRODUCTS, _STREAMING_PRODUCTS = 3.0, 3.25
"""Products of the size of the local rows with all rows, in a loss with its
gradient; see docs/performance.md."""


class Traffic(NamedTuple):
    """Tensors summed over replicas in one step, bytes of each.

    Attributes:
        projections: the rows of all replicas, [R, b, 2, P], where each replica
            fills in its own, forwards. Twice in the streaming loss, whose
            metrics gather by themselves.
        backwards: of the dense loss, the gradient of that; of the streaming
            loss, two numbers of each row.
        statistics: of batch norm, 2C forwards and, where synchronised, 2C
            backwards.
        gradients: of the weights.
        num_calls: all-reduces; each waits for all replicas. Those of the
            gradients count as one, being packed.
    """

    projections: int
    backwards: int
    statistics: int
    gradients: int
    num_calls: int

    @property
    def total(self):
        """Bytes of all tensors."""
        return sum(self[:-1])


class Network(NamedTuple):
    """What of a network a cluster feels; `network_of` reads it off a model.

    Attributes:
        parameters: trainable.
        shared_channels: C of each synchronised batch norm, a tuple.
        local_channels: C of each other batch norm, a tuple.
        width: P.
        flops_per_view: of training.
    """

    parameters: int
    shared_channels: tuple
    local_channels: tuple
    width: int
    flops_per_view: float


class Cluster(NamedTuple):
    """Assumptions on accelerators and what joins them; change any.

    Attributes:
        flops_per_sec: of one accelerator at peak, in bfloat16.
        efficiency: share of it that a ResNet reaches, above 0, at most 1.
        float32_flops_per_sec: for the loss.
        bytes_per_sec: that one accelerator sends during an all-reduce.
        latency_secs: of one message.

    The defaults are one NVIDIA A100: 312e12 FLOP/s in bfloat16 and 19.5e12 in
    float32 (data sheet); a network adapter of 200 Gbit/s for each (DGX A100
    data sheet). The efficiency is what ResNet-50 reaches: 2,375 images/s in
    TensorFlow, mixed precision, batch 256 (NVIDIA DeepLearningExamples,
    TensorFlow ResNet-50 v1.5, training performance on DGX A100), at 24.6e9
    FLOPs each. The latency is an assumption.
    """

    flops_per_sec: float = 312e12
    efficiency: float = 0.19
    float32_flops_per_sec: float = 19.5e12
    bytes_per_sec: float = 25e9
    latency_secs: float = 10e-6


class StepTime(NamedTuple):
    """Seconds of one step by part, none of them overlapping.

    Attributes:
        network: both passes of the network on the local images.
        loss: of the local rows with all rows.
        bytes: sending.
        waiting: latency of all calls.
    """

    network: float
    loss: float
    bytes: float
    waiting: float

    @property
    def total(self):
        """Seconds of all parts."""
        return sum(self)


def network_of(model, *, flops_per_view):
    """The `Network` of a built `SimCLR`."""
    norms = [x for x in model._flatten_layers() if _is_norm(x)]
    shared = [x.gamma.shape[0] for x in norms if x.synchronized]
    local = [x.gamma.shape[0] for x in norms if not x.synchronized]
    return Network(
        parameters=sum(math.prod(v.shape) for v in model.trainable_variables),
        shared_channels=tuple(shared),
        local_channels=tuple(local),
        width=memory.projection_width(model),
        flops_per_view=flops_per_view,
    )


def traffic(network, *, local_images, num_replicas, streaming):
    """The `Traffic` of one step, all 0 on one replica.

    Args:
        network: `Network`.
        local_images: b.
        num_replicas: R.
        streaming: whether the loss is the streaming one.
    """
    if num_replicas == 1:
        return Traffic(0, 0, 0, 0, 0)
    rows = _VIEWS * local_images * num_replicas
    gathered = _FLOAT_BYTES * rows * network.width
    gathers = 2 if streaming else 1
    back = _FLOAT_BYTES * rows * 2 if streaming else gathered
    shared, local = network.shared_channels, network.local_channels
    return Traffic(
        projections=gathers * gathered,
        backwards=back,
        statistics=_FLOAT_BYTES * 2 * (2 * sum(shared) + sum(local)),
        gradients=_FLOAT_BYTES * network.parameters,
        num_calls=gathers + 1 + 2 * len(shared) + len(local) + 1,
    )


def step_time(network, cluster, *, local_images, num_replicas, streaming):
    """The `StepTime` of a cluster; arguments as in `traffic`.

    An all-reduce of n bytes sends 2 (R - 1) / R n from each replica, as a ring
    does, and takes 2 log2(R) messages one after the other, as a tree does.
    """
    sent = traffic(
        network,
        local_images=local_images,
        num_replicas=num_replicas,
        streaming=streaming,
    )
    local_rows = _VIEWS * local_images
    pairs = local_rows * local_rows * num_replicas
    products = _STREAMING_PRODUCTS if streaming else _DENSE_PRODUCTS
    rate = cluster.flops_per_sec * cluster.efficiency
    share = 2 * (num_replicas - 1) / num_replicas
    messages = 2 * math.ceil(math.log2(num_replicas))
    return StepTime(
        network=local_rows * network.flops_per_view / rate,
        loss=2
        * products
        * pairs
        * network.width
        / cluster.float32_flops_per_sec,
        bytes=share * sent.total / cluster.bytes_per_sec,
        waiting=sent.num_calls * messages * cluster.latency_secs,
    )


def _is_norm(layer):
    return isinstance(layer, norm.BatchNorm)
