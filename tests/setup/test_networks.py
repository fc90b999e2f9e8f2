"""From a configuration to the network and its optimizer."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.config import Config
from simclr_tf.setup import networks

TINY = {
    "dataset": "digits",
    "model_dir": "d",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 0.125,
    "proj_out_dim": 4,
    "train_batch_size": 64,
}


def config(**values):
    return Config(**TINY | values)


def build(configuration, *, num_classes=3):
    return networks.make_model(
        configuration, num_classes=num_classes, sync_bn=False
    )


@pytest.fixture(scope="module")
def model():
    return build(config())


@pytest.mark.parametrize(
    ("stem", "image_size", "expected"),
    [
        ("auto", 32, "cifar"),
        ("auto", 33, "imagenet"),
        ("imagenet", 32, "imagenet"),
        ("cifar", 224, "cifar"),
    ],
)
def test_the_stem_follows_the_image_size(stem, image_size, expected):
    found = networks.stem_of(config(stem=stem, image_size=image_size))
    assert found == expected


def test_the_seed_sets_the_weights(model):
    def kernel(network):
        kernels = [v for v in network.trainable_variables if v.ndim > 1]
        return kernels[0].numpy()

    np.testing.assert_array_equal(kernel(build(config())), kernel(model))
    assert np.any(kernel(build(config(seed=1))) != kernel(model))


@pytest.mark.parametrize("optimizer", ["lars", "lamb"])
def test_layerwise_optimizers_leave_the_probe_to_the_l2_loss(model, optimizer):
    decayed = networks.l2_loss_variables(config(optimizer=optimizer), model)
    (kernel,) = decayed
    assert kernel.shape == (64, 3)
    assert any(kernel is v for v in model.supervised_variables)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_other_optimizers_decay_all_but_batch_norm(model, optimizer):
    decayed = networks.l2_loss_variables(config(optimizer=optimizer), model)
    names = {variable.name for variable in decayed}
    assert "kernel" in names
    assert "bias" in names
    assert not {"gamma", "beta"} & names
    normed = {id(v) for v in model.batch_norm_variables()}
    assert len(decayed) + len(
        [v for v in model.trainable_variables if id(v) in normed]
    ) == len(model.trainable_variables)


def test_without_a_probe_there_is_nothing_of_it():
    bare = build(config(), num_classes=None)
    assert bare.supervised_variables == []
    assert networks.l2_loss_variables(config(), bare) == []


@pytest.mark.parametrize(
    ("scaling", "peak"), [("linear", 0.3 * 64 / 256), ("sqrt", 0.3 * 8)]
)
def test_the_schedule_warms_up_to_the_scaled_rate(scaling, peak):
    schedule = networks.make_schedule(
        config(learning_rate_scaling=scaling), total_steps=100, warmup_steps=10
    )
    assert float(schedule(0)) == 0
    assert float(schedule(10)) == pytest.approx(peak)
    assert float(schedule(100)) == pytest.approx(0, abs=1e-9)


def test_the_state_is_built_before_anything_is_traced():
    state = networks.make_train_state(
        config(), num_classes=3, total_steps=9, warmup_steps=0
    )
    assert state.step == 0
    trained = len(state.model.trainable_variables)
    assert len(state.optimizer.variables) == trained + 1  # and the step


def test_features_and_logits(model):
    images = tf.random.stateless_uniform([2, 8, 8, 3], seed=[0, 1])
    features = networks.encoder_function(model)(images)
    again, logits = networks.encoder_function(model, head=True)(images)
    np.testing.assert_array_equal(features, again)
    assert (features.shape, logits.shape) == ((2, 64), (2, 3))
