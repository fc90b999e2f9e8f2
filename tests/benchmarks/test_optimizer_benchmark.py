"""The benchmark of optimisers updates what it says, beside its baseline."""

import argparse
import json

import numpy as np
import pytest

from simclr_tf.benchmarks import optimizer
from simclr_tf.optim import optimizers

SMALL = ("--resnet_depth=10", "--width_multiplier=0.125", "--repeats=1")
OPTIONS = argparse.Namespace(resnet_depth=10, width_multiplier=0.125)


@pytest.fixture(scope="module")
def model():
    return optimizer.make_model(OPTIONS)


def test_every_optimizer_is_reported_beside_the_baseline(capsys):
    optimizer.main([*SMALL, "--optimizers=lars,momentum"])
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    names = [line["case"]["optimizer"] for line in lines]
    assert names == ["keras_sgd", "lars", "momentum"]
    baseline = lines[0]["secs"]["median"]
    for line in lines:
        expected = line["secs"]["median"] / baseline
        assert line["ratio_to_keras_sgd"] == pytest.approx(expected)


@pytest.mark.parametrize("name", [optimizer.BASELINE, *optimizers.NAMES])
def test_a_call_moves_every_kernel_once(model, name):
    variables = model.trainable_variables
    before = [v.numpy() for v in variables]
    made = optimizer.make_optimizer(name, model.supervised_variables)
    optimizer.make_call(made, optimizer.random_like(variables), variables)()
    assert int(made.iterations) == 1
    for old, new in zip(before, variables, strict=True):
        assert new.shape.rank == 1 or not np.array_equal(old, new)


def test_gradients_are_the_same_at_every_call(model):
    pair = [optimizer.random_like(model.trainable_variables) for _ in "ab"]
    for first, second in zip(*pair, strict=True):
        np.testing.assert_array_equal(first, second)
