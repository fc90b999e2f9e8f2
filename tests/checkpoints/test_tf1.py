"""TF1 names, against the recorded layouts."""

import official_files
import official_weights
import pytest

from simclr_tf.checkpoints import tf1
from simclr_tf.models import resnet, simclr


@pytest.mark.parametrize("name", official_files.TF1_LAYOUT)
def test_names_and_shapes_are_the_recorded_ones_in_order(name):
    model = official_weights.make_model(name)
    named = tf1.tf1_variables(model)
    recorded = dict(official_files.TF1_LAYOUT[name])
    classes = recorded["head_supervised/linear_layer/dense/bias"]
    if classes != [model.supervised_head.dense.units]:  # r50: 10, not 1000
        for leaf, shape in (("kernel", [2048, 1000]), ("bias", [1000])):
            recorded[f"head_supervised/linear_layer/dense/{leaf}"] = shape
    found = {key: list(value.shape) for key, value in named.items()}
    assert list(found.items()) == list(recorded.items())


def test_a_linear_head_has_its_own_name():
    model = simclr.SimCLR(
        resnet.ResNet(10, width=1 / 32, stem="cifar"), proj_head_mode="linear"
    ).build_on(4)
    assert "head_contrastive/l_0/dense/kernel" in tf1.tf1_variables(model)


def test_gates_count_among_the_convolutions():
    model = simclr.SimCLR(
        resnet.ResNet(10, width=1 / 32, stem="cifar", se_ratio=0.5)
    ).build_on(4)
    named = tf1.tf1_variables(model)
    # Stem, shortcut, two convolutions, then the gate of the first block.
    for number in (4, 5):
        assert f"base_model/conv2d_{number}/bias" in named
    assert "base_model/conv2d_6/bias" not in named
