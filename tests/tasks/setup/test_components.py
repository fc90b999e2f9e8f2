"""From a configuration to the parts of a run."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.config import Config
from simclr_tf.data import sources
from simclr_tf.tasks.setup import components

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
    return components.make_model(
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
    found = components.stem_of(config(stem=stem, image_size=image_size))
    assert found == expected


def test_the_seed_sets_the_weights(model):
    def kernel(network):
        kernels = [v for v in network.trainable_variables if v.ndim > 1]
        return kernels[0].numpy()

    np.testing.assert_array_equal(kernel(build(config())), kernel(model))
    assert np.any(kernel(build(config(seed=1))) != kernel(model))


@pytest.mark.parametrize("optimizer", ["lars", "lamb"])
def test_layerwise_optimizers_leave_the_probe_to_the_l2_loss(model, optimizer):
    decayed = components.l2_loss_variables(config(optimizer=optimizer), model)
    (kernel,) = decayed
    assert kernel.shape == (64, 3)
    assert any(kernel is v for v in model.supervised_variables)


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_other_optimizers_decay_all_but_batch_norm(model, optimizer):
    decayed = components.l2_loss_variables(config(optimizer=optimizer), model)
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
    assert components.l2_loss_variables(config(), bare) == []


def test_the_recipe_of_the_views():
    recipe = components.view_recipe(config())
    assert recipe == {
        "strength": 1.0,
        "jitter_impl": "v2",
        "crop_area": (0.08, 1.0),
        "flip_prob": 0.5,
        "blur_prob": 0.5,
    }
    plain = components.view_recipe(
        config(use_flip=False, use_blur=False, crop_min_area=0.3)
    )
    assert (plain["flip_prob"], plain["blur_prob"]) == (0, 0)
    assert plain["crop_area"] == (0.3, 1.0)


@pytest.mark.parametrize(
    ("scaling", "peak"), [("linear", 0.3 * 64 / 256), ("sqrt", 0.3 * 8)]
)
def test_the_schedule_warms_up_to_the_scaled_rate(scaling, peak):
    schedule = components.make_schedule(
        config(learning_rate_scaling=scaling), total_steps=100, warmup_steps=10
    )
    assert float(schedule(0)) == 0
    assert float(schedule(10)) == pytest.approx(peak)
    assert float(schedule(100)) == pytest.approx(0, abs=1e-9)


def test_the_state_is_built_before_anything_is_traced():
    state = components.make_train_state(
        config(), num_classes=3, total_steps=9, warmup_steps=0
    )
    assert state.step == 0
    trained = len(state.model.trainable_variables)
    assert len(state.optimizer.variables) == trained + 1  # and the step


def test_features_and_logits(model):
    images = tf.random.stateless_uniform([2, 8, 8, 3], seed=[0, 1])
    features = components.encoder_function(model)(images)
    again, logits = components.encoder_function(model, head=True)(images)
    np.testing.assert_array_equal(features, again)
    assert (features.shape, logits.shape) == ((2, 64), (2, 3))


def test_eval_batches_cover_the_split_once():
    source = components.open_source(config(eval_split="test"), "eval_split")
    batches = list(components.eval_batches(config(eval_batch_size=100), source))
    assert [int(b["mask"].numpy().sum()) for b in batches] == [100] * 3 + [60]


def test_a_split_without_labels_is_refused():
    source = sources.Source(name="folder:x", split="test", num_examples=3)
    with pytest.raises(errors.UserError) as caught:
        components.check_labelled(source, "eval_split")
    assert str(caught.value) == (
        "eval_split must have labels; 'folder:x' split 'test' has none"
    )
    labelled = components.open_labelled(config(eval_split="test"), "eval_split")
    assert labelled.num_examples == 360


def test_the_tpu_flags_reach_the_strategy(monkeypatch):
    monkeypatch.setattr(distribution, "make_strategy", lambda **kw: kw)
    asked = config(
        use_tpu=True, tpu_name="t", tpu_zone="z", gcp_project="p",
        num_replicas=2,
    )  # fmt: skip
    assert components.make_strategy(asked) == {
        "tpu": distribution.TpuAddress("t", "z", "p"),
        "num_replicas": 2,
    }
    assert components.make_strategy(config())["tpu"] is None
