import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import resnet

IMAGES = np.random.RandomState(0).uniform(size=(2, 32, 32, 3))
IMAGES = IMAGES.astype("float32")
# The published counts, of the encoder alone, are in whole millions.
PUBLISHED_ROUNDING = 0.5
# Outputs of one image alone or in a batch: float32 sums in another order.
ROUNDING = 1e-5
# Activations of ten bfloat16 layers, relative to the largest feature.
BFLOAT16_ROUNDING = 0.05


@pytest.fixture
def zero_kernels(monkeypatch):
    """Kernels of zeros, which take no time to draw."""
    monkeypatch.setattr(
        keras.initializers, "VarianceScaling", keras.initializers.Zeros
    )


# Source: Chen et al. 2020b, Table 1.
@pytest.mark.parametrize(
    ("depth", "width", "sk_ratio", "millions"),
    [
        (50, 1, 0.0, 24),
        (50, 1, 0.0625, 35),
        (50, 2, 0.0, 94),
        (50, 2, 0.0625, 140),
        (101, 1, 0.0, 43),
        (101, 1, 0.0625, 65),
        (152, 1, 0.0, 58),
        (152, 1, 0.0625, 89),
    ],
)
@pytest.mark.usefixtures("zero_kernels")
def test_published_parameter_counts(depth, width, sk_ratio, millions):
    model = resnet.ResNet(depth, width=width, sk_ratio=sk_ratio)
    model(IMAGES[:1])
    count = sum(np.prod(v.shape) for v in model.trainable_variables) / 1e6
    assert abs(count - millions) <= PUBLISHED_ROUNDING


@pytest.mark.parametrize(
    ("depth", "stem", "sides", "channels"),
    [
        (10, "cifar", (32, 32, 32, 16, 8, 4), (16, 16, 16, 32, 64, 128)),
        (18, "imagenet", (16, 8, 8, 4, 2, 1), (16, 16, 16, 32, 64, 128)),
        (50, "imagenet", (16, 8, 8, 4, 2, 1), (16, 16, 64, 128, 256, 512)),
    ],
)
@pytest.mark.parametrize("sk_ratio", [0.0, 0.0625])
def test_endpoints(depth, stem, sides, channels, sk_ratio):
    model = resnet.ResNet(depth, width=0.25, stem=stem, sk_ratio=sk_ratio)
    named = model.endpoints(IMAGES)
    assert list(named) == [
        "initial_conv",
        "initial_max_pool",
        "block_group1",
        "block_group2",
        "block_group3",
        "block_group4",
        "final_avg_pool",
    ]
    *maps, features = named.values()
    assert [tuple(m.shape) for m in maps] == [
        (2, side, side, c) for side, c in zip(sides, channels, strict=True)
    ]
    assert features.shape == (2, model.num_features)
    np.testing.assert_allclose(
        features, np.mean(maps[-1], axis=(1, 2)), atol=ROUNDING
    )
    np.testing.assert_array_equal(model(IMAGES), features)


def test_initial_conv_is_before_the_nonlinearity():
    named = resnet.ResNet(10, width=0.25, stem="cifar").endpoints(IMAGES)
    assert np.min(named["initial_conv"]) < 0
    assert np.min(named["initial_max_pool"]) == 0


@pytest.mark.parametrize(
    ("depth", "per_group", "num_layers"),
    [
        (10, (1, 1, 1, 1), 2),
        (18, (2, 2, 2, 2), 2),
        (34, (3, 4, 6, 3), 2),
        (50, (3, 4, 6, 3), 3),
        (101, (3, 4, 23, 3), 3),
        (152, (3, 8, 36, 3), 3),
        (200, (3, 24, 36, 3), 3),
    ],
)
def test_blocks_of_every_depth(depth, per_group, num_layers):
    model = resnet.ResNet(depth, width=0.125)
    groups = model.block_groups
    assert tuple(len(group.blocks) for group in groups) == per_group
    # The depth counts the stem and the classifier; 200 is a name.
    assert num_layers * sum(per_group) + 2 in (depth, 200)
    for group in groups:
        assert group.blocks[0].shortcut is not None
        assert all(block.shortcut is None for block in group.blocks[1:])


def test_residuals_start_at_zero():
    model = resnet.ResNet(18, width=0.25, stem="cifar")
    model(IMAGES)
    for group in model.block_groups:
        for block in group.blocks:
            np.testing.assert_array_equal(block.norm2.gamma, 0)
            np.testing.assert_array_equal(block.norm1.gamma, 1)
    # A block without projection is then the identity.
    block = model.block_groups[0].blocks[1]
    inputs = np.abs(IMAGES[..., :1] * np.ones(16, "float32"))
    np.testing.assert_array_equal(block(inputs, training=True), inputs)


def test_paths_are_unique_and_independent_of_order():
    models = [resnet.ResNet(10, width=0.25, se_ratio=0.25) for _ in "ab"]
    for model in models:
        model(IMAGES)
    first, second = ([v.path for v in m.variables] for m in models)
    assert first == second
    assert len(set(first)) == len(first)


def test_images_do_not_meet_in_inference():
    model = resnet.ResNet(
        10, width=0.25, sk_ratio=0.0625, se_ratio=0.25, stem="cifar"
    )
    together = model(IMAGES)
    alone = [model(IMAGES[i : i + 1])[0] for i in range(2)]
    np.testing.assert_allclose(together, alone, atol=ROUNDING)


@pytest.mark.parametrize("width", [0.25, 0.3, 2])
def test_width_scales_channels(width):
    model = resnet.ResNet(10, width=width, stem="cifar")
    assert model(IMAGES).shape[-1] == model.num_features
    assert model.num_features == 8 * int(64 * width)


@pytest.mark.parametrize(
    "depth", [10, pytest.param(50, marks=pytest.mark.slow)]
)
def test_bfloat16_agrees_and_keeps_float32_variables(depth):
    kwargs = {"width": 0.25, "sk_ratio": 0.0625, "se_ratio": 0.25}
    wide = resnet.ResNet(depth, **kwargs)
    half = resnet.ResNet(depth, dtype="mixed_bfloat16", **kwargs)
    wanted = wide(IMAGES)
    named = half.endpoints(IMAGES)
    half.set_weights(wide.get_weights())
    assert {v.dtype for v in half.variables} == {"float32"}
    assert named["block_group4"].dtype == tf.bfloat16
    features = half(IMAGES)
    assert features.dtype == tf.float32
    np.testing.assert_allclose(
        features, wanted, atol=BFLOAT16_ROUNDING * np.max(wanted)
    )


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_every_variable_gets_a_gradient(dtype):
    model = resnet.ResNet(
        50, width=0.125, sk_ratio=0.25, se_ratio=0.25, dtype=dtype
    )
    model(IMAGES)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(IMAGES, training=True) ** 2)
    for gradient in tape.gradient(loss, model.trainable_variables):
        assert gradient is not None
        assert gradient.dtype == tf.float32
        assert np.all(np.isfinite(gradient))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"depth": 19}, "depth must be one of .*; got 19"),
        ({"width": 0.01}, "width must be at least 1/32; got 0.01"),
        ({"sk_ratio": -1}, "sk_ratio must be in .*; got -1"),
        ({"se_ratio": 2}, "se_ratio must be in .*; got 2"),
        ({"stem": "vgg"}, "stem must be one of .*; got 'vgg'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(errors.UserError, match=message):
        resnet.ResNet(**kwargs)
