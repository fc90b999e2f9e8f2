import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.models import norm, resnet, simclr

IMAGES = np.random.RandomState(0).uniform(size=(8, 32, 32, 3))
IMAGES = IMAGES.astype("float32")
# Float32 sums in another order, through ten normalised layers.
ROUNDING = 1e-4
# The same in gradients, relative to the largest of a variable.
GRADIENT_ROUNDING = 5e-4
SIZES = {"proj_out_dim": 8, "num_classes": 5}


def tiny_encoder(depth=10, **kwargs):
    kwargs = {"width": 0.125, "stem": "cifar", **kwargs}
    return resnet.ResNet(depth, **kwargs)


def other_encoder():
    return keras.applications.MobileNetV2(
        input_shape=(32, 32, 3),
        alpha=0.35,
        weights=None,
        include_top=False,
        pooling="avg",
    )


# One of everything that has variables.
ENCODERS = {
    "basic": tiny_encoder,
    "basic_se": lambda: tiny_encoder(se_ratio=0.25),
    "basic_sk": lambda: tiny_encoder(sk_ratio=0.0625, stem="imagenet"),
    "bottleneck": lambda: tiny_encoder(50, stem="imagenet"),
    "bottleneck_sk_se": lambda: tiny_encoder(
        50, sk_ratio=0.0625, se_ratio=0.25
    ),
    "bfloat16": lambda: tiny_encoder(dtype="mixed_bfloat16"),
    "keras_application": other_encoder,
}


@pytest.fixture(params=ENCODERS, scope="module")
def any_model(request):
    encoder = ENCODERS[request.param]()
    return simclr.SimCLR(encoder, **SIZES).build_on(32)


def test_outputs_of_every_encoder(any_model):
    for training in (False, True):
        outputs = any_model(IMAGES, training=training)
        assert [output.dtype for output in outputs] == [tf.float32] * 3
        assert outputs.projections.shape == (8, 8)
        assert outputs.logits.shape == (8, 5)
        assert len(outputs.features.shape) == 2
        assert all(np.all(np.isfinite(output)) for output in outputs)


def untracked_variables(checkpoint, model):
    """Paths of the variables that the checkpoint would not hold."""
    seen = set()
    for item in tf.train.TrackableView(checkpoint).descendants():
        seen |= {id(item), id(getattr(item, "value", None))}
    return [
        variable.path
        for variable in model.variables
        if not {id(variable), id(variable.value)} & seen
    ]


def test_checkpoint_holds_every_variable(any_model, tmp_path):
    checkpoint = tf.train.Checkpoint(model=any_model)
    assert untracked_variables(checkpoint, any_model) == []
    path = checkpoint.write(str(tmp_path / "model"))
    kept = [variable.numpy() for variable in any_model.variables]
    for variable in any_model.variables:
        variable.assign(variable + 1)
    checkpoint.read(path).assert_consumed()
    for variable, value in zip(any_model.variables, kept, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_paths_are_unique(any_model):
    paths = [variable.path for variable in any_model.variables]
    assert len(set(paths)) == len(paths)


def test_all_variables_exist_after_one_call(any_model):
    count = len(any_model.variables)
    any_model(IMAGES, training=True)
    any_model.endpoints(IMAGES, training=True)
    assert len(any_model.variables) == count


def test_batch_norm_variables_are_gammas_and_betas(any_model):
    found = {id(variable) for variable in any_model.batch_norm_variables()}
    for variable in any_model.trainable_variables:
        is_norm = variable.path.rsplit("/", 1)[-1] in ("gamma", "beta")
        assert (id(variable) in found) == is_norm, variable.path
    assert len(found) == len(any_model.batch_norm_variables())


def test_default_encoder_is_resnet50():
    model = simclr.SimCLR(dtype="mixed_bfloat16", bn_momentum=0.5)
    assert model.encoder.num_features == 2048
    assert len(model.encoder.block_groups[2].blocks) == 6
    assert model.encoder.compute_dtype == "bfloat16"
    kinds = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, norm.BatchNorm)
    ]
    assert {layer.momentum for layer in kinds} == {0.5}
    assert model.supervised_head is None
    assert model.supervised_variables == []


def test_without_classes_there_are_no_logits():
    model = simclr.SimCLR(tiny_encoder())
    assert model(IMAGES).logits is None
    assert "logits_sup" not in model.endpoints(IMAGES)


def test_endpoints_are_the_outputs():
    model = simclr.SimCLR(tiny_encoder(), **SIZES)
    named = model.endpoints(IMAGES)
    assert list(named) == [
        "initial_conv",
        "initial_max_pool",
        "block_group1",
        "block_group2",
        "block_group3",
        "block_group4",
        "final_avg_pool",
        "proj_head_input",
        "proj_head_output",
        "logits_sup",
    ]
    outputs = model(IMAGES)
    wanted = (outputs.features, *outputs)
    for got, want in zip(list(named.values())[-4:], wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_endpoints_of_another_encoder():
    model = simclr.SimCLR(other_encoder(), **SIZES)
    assert list(model.endpoints(IMAGES)) == [
        "final_avg_pool",
        "proj_head_input",
        "proj_head_output",
        "logits_sup",
    ]


@pytest.mark.parametrize("mode", ["none", "linear", "nonlinear"])
def test_projection_modes(mode):
    model = simclr.SimCLR(tiny_encoder(), proj_head_mode=mode, proj_out_dim=8)
    outputs = model(IMAGES)
    is_features = outputs.projections.shape == outputs.features.shape
    assert is_features == (mode == "none")


@pytest.mark.parametrize("selector", [0, 1, 2, -1])
def test_classifier_reads_the_selected_stage(selector):
    model = simclr.SimCLR(
        tiny_encoder(), num_proj_layers=2, ft_proj_selector=selector, **SIZES
    )
    outputs = model(IMAGES)
    stages = model.projection_head(outputs.features)
    wanted = model.supervised_head(stages[selector])
    np.testing.assert_array_equal(outputs.logits, wanted)


@pytest.mark.parametrize(
    ("mode", "selector"), [("nonlinear", 4), ("linear", 2), ("none", -2)]
)
def test_selector_outside_the_head(mode, selector):
    with pytest.raises(errors.UserError, match=f"got {selector}"):
        simclr.SimCLR(
            tiny_encoder(), proj_head_mode=mode, ft_proj_selector=selector
        )


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("stops", [True, False])
def test_probe_loss_stays_behind_the_stop_gradient(stops, selector):
    model = simclr.SimCLR(
        tiny_encoder(),
        probe_stop_gradient=stops,
        ft_proj_selector=selector,
        **SIZES,
    )
    model(IMAGES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IMAGES, training=True).logits ** 2)
    mine, encoders = tape.gradient(
        loss, [model.supervised_variables, model.encoder.trainable_variables]
    )
    assert len(mine) == 2
    assert all(gradient is not None for gradient in mine)
    assert all((gradient is None) == stops for gradient in encoders)


def test_contrastive_loss_leaves_the_classifier_alone():
    model = simclr.SimCLR(tiny_encoder(), **SIZES)
    model(IMAGES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IMAGES, training=True).projections ** 2)
    gradients = tape.gradient(loss, model.supervised_variables)
    assert gradients == [None, None]


def test_both_views_share_batch_statistics():
    model = simclr.SimCLR(tiny_encoder()).build_on(32)
    together = model(IMAGES, training=True).projections
    alone = model(IMAGES[:4], training=True).projections
    assert np.abs(together[:4] - alone).max() > 0.01


def train_step(strategy):
    """Outputs, summed gradients and moving statistics of one step."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = simclr.SimCLR(tiny_encoder(se_ratio=0.25), **SIZES)
        model.build_on(32)
        for variable in model.batch_norm_variables():
            variable.assign(tf.ones_like(variable))
    local = len(IMAGES) // strategy.num_replicas_in_sync

    def replica_step():
        first = distribution.replica_index() * local
        rows = tf.constant(IMAGES)[first : first + local]
        with tf.GradientTape() as tape:
            outputs = model(rows, training=True)
            loss = tf.reduce_sum(outputs.projections**3)
            loss += tf.reduce_sum(outputs.logits**2)
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients = [distribution.all_reduce_sum(g) for g in gradients]
        return outputs.projections, gradients

    step = tf.function(lambda: strategy.run(replica_step))
    projections, gradients = step()
    projections = np.concatenate(
        strategy.experimental_local_results(projections)
    )
    gradients = [
        strategy.experimental_local_results(g)[0].numpy() for g in gradients
    ]
    moving = [variable.numpy() for variable in model.non_trainable_variables]
    return projections, gradients, moving


@pytest.mark.slow
def test_two_replicas_equal_one(mirrored):
    one = train_step(tf.distribute.get_strategy())
    many = train_step(mirrored(2))
    np.testing.assert_allclose(many[0], one[0], atol=ROUNDING)
    assert len(many[1]) == len(one[1])
    for got, wanted in zip(many[1], one[1], strict=True):
        largest = max(np.abs(wanted).max(), 1.0)
        np.testing.assert_allclose(
            got, wanted, atol=GRADIENT_ROUNDING * largest
        )
    for got, wanted in zip(many[2], one[2], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=ROUNDING)


def test_an_encoder_that_gives_maps_is_refused():
    images = keras.Input([None, None, 3])
    maps = keras.Model(images, keras.layers.Conv2D(4, 3)(images))
    with pytest.raises(errors.UserError, match=r"\[B, D\].*average pooling"):
        simclr.SimCLR(maps).build_on(8)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_predict_gives_the_outputs_that_there_are(num_classes):
    model = simclr.SimCLR(
        resnet.ResNet(10, width=0.125, stem="cifar"),
        num_classes=num_classes,
        proj_out_dim=8,
    ).build_on(8)
    images = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)
    found = model.predict(images, batch_size=2, verbose=0)
    expected = model(images, training=False)
    names = {"features", "projections"} | ({"logits"} if num_classes else set())
    assert set(found) == names
    for name, value in found.items():
        np.testing.assert_allclose(
            value, getattr(expected, name), rtol=1e-4, atol=1e-5
        )
