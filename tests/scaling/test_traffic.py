"""What replicas send, counted against the graph of a real step."""

import math

import pytest
import tensorflow as tf
import traffic

from simclr_tf.checkpoints import state
from simclr_tf.losses import ntxent, ntxent_streaming
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import lars
from simclr_tf.training import steps

REPLICAS, LOCAL_IMAGES, SIZE = 2, 3, 8
LOSSES = {
    False: ntxent.nt_xent,
    True: ntxent_streaming.nt_xent_streaming,
}


def tiny_model(*, sync_bn=True):
    encoder = resnet.ResNet(10, width=0.125, stem="cifar", sync_bn=sync_bn)
    model = simclr.SimCLR(encoder, proj_out_dim=4, sync_bn=sync_bn)
    return model.build_on(SIZE)


def reduced_sizes(strategy, *, streaming, sync_bn):
    """How many numbers each all-reduce of a step's graph takes; the model."""
    with strategy.scope():
        made = state.make_state(
            tiny_model(sync_bn=sync_bn), lars.LARS(0.1), image_size=SIZE
        )
    step = steps.PretrainStep(
        made, views_of=lambda batch: batch, contrast=LOSSES[streaming]
    )
    rows = tf.zeros([2 * LOCAL_IMAGES, SIZE, SIZE, 3])
    run = tf.function(lambda: strategy.run(step, args=(rows,)))
    found = [
        op.inputs[0].shape.num_elements()
        for op in run.get_concrete_function().graph.get_operations()
        if op.type.startswith("CollectiveReduce")
    ]
    return found, made.model


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    "sync_bn", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_bytes_and_calls_are_those_of_the_graph(mirrored, streaming, sync_bn):
    sizes, model = reduced_sizes(
        mirrored(REPLICAS), streaming=streaming, sync_bn=sync_bn
    )
    network = traffic.network_of(model, flops_per_view=0.0)
    found = traffic.traffic(
        network,
        local_images=LOCAL_IMAGES,
        num_replicas=REPLICAS,
        streaming=streaming,
    )
    assert len(sizes) == REPLICAS * found.num_calls
    assert 4 * sum(sizes) == REPLICAS * found.total


NETWORK = traffic.Network(
    parameters=1000,
    shared_channels=(8, 16),
    local_channels=(4,),
    width=32,
    flops_per_view=1e9,
)


def sent(**values):
    options = {"local_images": 5, "num_replicas": 4, "streaming": False}
    return traffic.traffic(NETWORK, **options | values)


def test_bytes_by_hand():
    rows = 2 * 5 * 4
    assert sent() == traffic.Traffic(
        projections=4 * rows * 32,
        backwards=4 * rows * 32,
        statistics=4 * 2 * (8 + 16) * 2 + 4 * 2 * 4,
        gradients=4000,
        num_calls=1 + 1 + 2 * 2 + 1 + 1,
    )
    streaming = sent(streaming=True)
    assert streaming.projections == 2 * sent().projections
    assert streaming.backwards == 4 * rows * 2
    assert streaming.num_calls == sent().num_calls + 1


def test_one_replica_sends_nothing():
    assert sent(num_replicas=1).total == 0
    time = traffic.step_time(
        NETWORK,
        traffic.Cluster(),
        local_images=5,
        num_replicas=1,
        streaming=False,
    )
    assert time.bytes == time.waiting == 0


def test_the_time_of_a_step_by_hand():
    cluster = traffic.Cluster(
        flops_per_sec=1e12,
        efficiency=0.5,
        float32_flops_per_sec=1e11,
        bytes_per_sec=1e6,
        latency_secs=1e-3,
    )
    time = traffic.step_time(
        NETWORK, cluster, local_images=5, num_replicas=4, streaming=False
    )
    assert time.network == pytest.approx(10 * 1e9 / 5e11)
    assert time.loss == pytest.approx(3 * 2 * 10 * 40 * 32 / 1e11)
    assert time.bytes == pytest.approx(1.5 * sent().total / 1e6)
    assert time.waiting == pytest.approx(8 * 2 * 2 * 1e-3)
    assert time.total == pytest.approx(sum(time))


def test_the_network_is_read_off_the_model():
    model = tiny_model()
    network = traffic.network_of(model, flops_per_view=7.0)
    assert network.width == 4
    assert network.local_channels == ()
    assert network.flops_per_view == 7.0
    assert network.parameters == sum(
        math.prod(v.shape) for v in model.trainable_variables
    )
    gammas = [v for v in model.trainable_variables if v.name == "gamma"]
    assert sorted(network.shared_channels) == sorted(v.shape[0] for v in gammas)
