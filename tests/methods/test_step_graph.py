"""What the graph of training steps holds: nothing that waits for the host."""

import pytest
import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.commands import plan_probe
from simclr_tf.config import Config
from simclr_tf.methods import pretrain, training_run
from simclr_tf.setup import networks, plan_of_run

ON_THE_HOST = {"PyFunc", "PyFuncStateless", "EagerPyFunc", "Print", "PrintV2"}
"""Operations that run Python or write text; an iterator's batch is allowed."""


def graph_of(**values):
    """The graph of a call of some pretraining steps, with its functions."""
    config = Config(
        mode="plan",
        dataset="digits",
        image_size=8,
        resnet_depth=10,
        width_multiplier=0.125,
        train_batch_size=4,
        **values,
    )
    strategy = tf.distribute.get_strategy()
    state = networks.make_train_state(
        config, num_classes=3, total_steps=9, warmup_steps=0
    )
    plan = plan_of_run.Plan(1, 9, 0, 9, 3)
    opened = training_run.Run(
        config, pretrain.Pretraining(), strategy, None, plan, state
    )
    call, _ = training_run.make_call(opened)
    batches = plan_probe.synthetic_batches(config, 3, strategy)
    return call.get_concrete_function(batches, tf.constant(1)).graph


@pytest.mark.parametrize(
    ("jit", "device", "num_programs"),
    [
        ("auto", "CPU", 2),  # blur is one of its own
        ("auto", "GPU", 1),
        ("off", "GPU", 0),
        ("on", "GPU", 1),
    ],
)
def test_nothing_but_the_iterator_is_of_the_host(
    monkeypatch, jit, device, num_programs
):
    """And XLA makes two programs at most, of views and of the step."""
    monkeypatch.setattr(distribution, "device_type", lambda strategy: device)
    functions = graph_of(jit=jit).as_graph_def().library.function
    nodes = [node for each in functions for node in each.node_def]
    assert nodes
    assert not ON_THE_HOST & {node.op for node in nodes}
    assert len(programs(functions)) == num_programs


def programs(functions):
    """Names of functions that XLA compiles, but for parts of others."""
    called = {
        each.signature.name: {n.attr["f"].func.name for n in each.node_def}
        for each in functions
    }
    compiled = {
        each.signature.name
        for each in functions
        if each.attr["_XlaMustCompile"].b
    }
    parts = set().union(*(reached(name, called) for name in compiled))
    return compiled - parts


def reached(name, called):
    """Names of the functions that one calls, and those that they call."""
    ours = called.get(name, set())
    return ours.union(*(reached(each, called) for each in ours))
