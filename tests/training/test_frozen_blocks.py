"""What moves when fine-tuning starts after a block."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import state
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import optimizers
from simclr_tf.training import frozen_blocks, steps

pytestmark = pytest.mark.usefixtures("eager")

SIDE, CLASSES = 8, 3
PARTS = ("stem", "block_group1", "block_group2", "block_group3", "block_group4")


def make_model(*, selector=0, kind="basic"):
    options = {
        "basic": {"depth": 10, "width": 0.125},
        "selective": {"depth": 50, "width": 0.0625, "sk_ratio": 0.0625,
                      "se_ratio": 0.25},
        "remat": {"depth": 10, "width": 0.125, "remat": True},
    }[kind]  # fmt: skip
    keras.utils.set_random_seed(0)
    model = simclr.SimCLR(
        resnet.ResNet(stem="cifar", name="resnet", **options),
        num_classes=CLASSES,
        num_proj_layers=2,
        proj_out_dim=8,
        ft_proj_selector=selector,
        probe_stop_gradient=False,
    ).build_on(SIDE)
    # The last gammas of blocks start at 0, where no gradient passes.
    for variable in model.batch_norm_variables():
        if variable.path.endswith("gamma"):
            variable.assign(tf.ones_like(variable))
    return model


def batch():
    generator = np.random.default_rng(0)
    return {
        "images": tf.constant(generator.random((8, SIDE, SIDE, 3), np.float32)),
        "labels": tf.constant(generator.integers(0, CLASSES, 8), tf.int32),
    }


def part_of(path):
    """The part of the network that a variable belongs to."""
    for part in (*PARTS, "projection_head", "supervised_head"):
        if f"/{part}/" in path:
            return part
    raise AssertionError(path)


def moved(model):
    """Names of the variables that one step moves, by kind."""
    optimizer = optimizers.make_optimizer(
        "momentum", 0.1, exclude=model.supervised_variables
    )
    run = state.make_state(model, optimizer, image_size=SIDE)
    step = steps.FinetuneStep(run, views_of=lambda batch: batch["images"])
    before = {v.path: v.numpy() for v in model.variables}
    tf.function(step)(batch())
    return {
        v.path for v in model.variables if np.any(v.numpy() != before[v.path])
    }


def statistics(model):
    return {v.path for v in model.variables if "/moving_" in v.path}


@pytest.mark.parametrize("after_block", range(-1, 5))
@pytest.mark.parametrize("kind", ["basic", "remat"])
def test_what_lies_behind_moves_and_nothing_before(after_block, kind):
    model = make_model(kind=kind)
    frozen_blocks.freeze(model, after_block)
    found = moved(model)
    frozen = set(PARTS[: after_block + 1])
    assert not {part_of(path) for path in found} & frozen
    weights = {
        v.path
        for v in model.variables
        if part_of(v.path) not in {*frozen, "projection_head"}
        and v.path not in statistics(model)
    }
    assert weights <= found
    live = {p for p in statistics(model) if part_of(p) not in frozen}
    assert live <= found


@pytest.mark.parametrize("after_block", range(-1, 5))
def test_the_variables_are_those_behind(after_block):
    model = make_model()
    all_of_them = list(model.trainable_variables)
    kept = frozen_blocks.freeze(model, after_block)
    frozen = set(PARTS[: after_block + 1])
    expected = [v for v in all_of_them if part_of(v.path) not in frozen]
    assert [v.path for v in kept] == [v.path for v in expected]


def test_sublayers_of_every_kind_are_frozen():
    model = make_model(kind="selective")
    kept = frozen_blocks.freeze(model, 2)
    assert {part_of(v.path) for v in kept} == {
        "block_group3", "block_group4", "projection_head", "supervised_head",
    }  # fmt: skip
    before = {v.path: v.numpy() for v in model.variables}
    model(batch()["images"], training=True)
    live = {
        v.path for v in model.variables if np.any(v.numpy() != before[v.path])
    }
    assert {part_of(path) for path in live} == {
        "block_group3", "block_group4", "projection_head",
    }  # fmt: skip


def test_frozen_blocks_work_by_their_moving_statistics():
    model = make_model()
    for variable in model.encoder.variables:
        if "/moving_mean" in variable.path:
            variable.assign(tf.fill(variable.shape, 0.1))
    images = batch()["images"]
    inference = model(images, training=False).features
    frozen_blocks.freeze(model, 4)
    training = model(images, training=True).features
    np.testing.assert_array_equal(training, inference)


def test_linear_evaluation_trains_the_classifier_alone():
    model = make_model()
    frozen_blocks.freeze(model, 4)
    reached = frozen_blocks.reached_variables(model)
    assert {v.path for v in reached} == {
        v.path for v in model.supervised_variables
    }
    found = moved(model)
    assert found - statistics(model) == {v.path for v in reached}
    assert not any("/resnet/" in path for path in found)


@pytest.mark.parametrize(
    ("selector", "layers"), [(0, 0), (1, 1), (2, 2), (-1, 2)]
)
def test_layers_past_the_selector_are_not_reached(selector, layers):
    model = make_model(selector=selector)
    reached = {v.path for v in frozen_blocks.reached_variables(model)}
    head = model.projection_head
    expected = {
        v.path
        for layer in head.layers[:layers]
        for v in layer.trainable_variables
    }
    assert {p for p in reached if "projection_head" in p} == expected
    found = moved(model) - statistics(model)
    assert found == reached


@pytest.mark.parametrize("after_block", [-2, 5, 1.5, None])
def test_blocks_that_are_not_there(after_block):
    with pytest.raises(errors.UserError, match="must be from -1 to 4; got"):
        frozen_blocks.freeze(make_model(), after_block)


def test_an_encoder_without_groups_is_frozen_whole():
    pixels = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(pixels)
    encoder = keras.Model(pixels, keras.layers.Dense(4, name="d")(pooled))
    model = simclr.SimCLR(encoder, num_classes=CLASSES).build_on(SIDE)
    with pytest.raises(errors.UserError, match="-1 or 4 for this encoder"):
        frozen_blocks.freeze(model, 2)
    assert len(frozen_blocks.freeze(model, -1)) == len(
        model.trainable_variables
    )
    frozen_blocks.freeze(model, 4)
    assert not encoder.trainable_variables
