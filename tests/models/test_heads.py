import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import heads

# Float32 sums in another order, through three normalised layers.
ROUNDING = 1e-4
FEATURES = np.random.RandomState(0).standard_normal((8, 6)).astype("float32")


def normalise(values):
    return (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)


def test_nonlinear_head_matches_oracle():
    head = heads.ProjectionHead(num_layers=3, out_dim=4)
    stages = head(FEATURES, training=True)
    wanted = [FEATURES]
    for layer in head.layers:
        wanted.append(normalise(wanted[-1] @ layer.dense.kernel.numpy()))
        if layer is not head.layers[-1]:
            wanted[-1] = np.maximum(wanted[-1], 0)
    assert len(stages) == head.num_stages == 4
    for got, want in zip(stages, wanted, strict=True):
        np.testing.assert_allclose(got, want, atol=ROUNDING)


def test_nonlinear_head_variables():
    head = heads.ProjectionHead(num_layers=2, out_dim=4)
    head(FEATURES)
    shapes = [tuple(variable.shape) for variable in head.trainable_variables]
    # Kernel, gamma, beta; the last layer has no beta.
    assert shapes == [(6, 6), (6,), (6,), (6, 4), (4,)]


@pytest.mark.parametrize(
    ("mode", "num_layers", "widths"),
    [
        ("none", 3, (6,)),
        ("linear", 3, (6, 4)),
        ("nonlinear", 1, (6, 4)),
        ("nonlinear", 3, (6, 6, 6, 4)),
    ],
)
def test_stages_of_every_mode(mode, num_layers, widths):
    head = heads.ProjectionHead(mode, num_layers=num_layers, out_dim=4)
    stages = head(FEATURES)
    assert tuple(stage.shape[-1] for stage in stages) == widths
    assert head.num_stages == len(widths)
    np.testing.assert_array_equal(stages[0], FEATURES)


def test_linear_head_is_the_last_layer_alone():
    head = heads.ProjectionHead("linear", out_dim=4)
    outputs = head(FEATURES, training=True)[-1]
    (layer,) = head.layers
    wanted = normalise(FEATURES @ layer.dense.kernel.numpy())
    np.testing.assert_allclose(outputs, wanted, atol=ROUNDING)
    assert np.min(outputs) < 0


def test_none_has_no_variables():
    head = heads.ProjectionHead("none")
    head(FEATURES)
    assert head.variables == []


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"mode": "deep"}, "proj_head_mode .* 'deep'"),
        ({"num_layers": 0}, "num_proj_layers must be at least 1; got 0"),
        ({"out_dim": 0}, "proj_out_dim must be at least 1; got 0"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(errors.UserError, match=message):
        heads.ProjectionHead(**kwargs)


def test_linear_classifier():
    head = heads.LinearHead(3)
    logits = head(tf.cast(FEATURES, tf.bfloat16))
    assert logits.dtype == tf.float32
    np.testing.assert_array_equal(head.dense.bias, np.zeros(3))
    rounded = tf.cast(tf.cast(FEATURES, tf.bfloat16), tf.float32)
    wanted = rounded @ head.dense.kernel.numpy()
    np.testing.assert_allclose(logits, wanted, atol=ROUNDING)


def test_kernels_start_small():
    head = heads.LinearHead(200)
    head.build((None, 512))
    # 102,400 draws; three deviations of the estimate are 0.7%.
    np.testing.assert_allclose(np.std(head.dense.kernel), 0.01, rtol=0.01)
    projection = heads.ProjectionHead("linear", out_dim=200)
    projection(np.zeros((2, 512), "float32"))
    kernel = projection.layers[0].dense.kernel
    np.testing.assert_allclose(np.std(kernel), 0.01, rtol=0.01)
