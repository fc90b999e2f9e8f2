import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.optim import decay


@pytest.fixture
def variables():
    return [
        keras.Variable(np.ones(shape, "float32"), name=name)
        for name, shape in [
            ("filter", (3, 3, 2, 4)),
            ("gamma", (4,)),
            ("head_kernel", (4, 2)),
            ("scalar", ()),
        ]
    ]


def test_kernels_have_more_than_one_dimension(variables):
    flags = [decay.is_kernel(v) for v in variables]
    assert flags == [True, False, True, False]


def test_vectors_are_excluded(variables):
    flags = decay.exclusion_flags(variables)
    assert flags == (False, True, False, True)


def test_named_paths_are_excluded_besides(variables):
    head = decay.path_of(variables[2])
    flags = decay.exclusion_flags(variables, [head])
    assert flags == (False, True, True, True)
    flags = decay.exclusion_flags(variables, [head], exclude_vectors=False)
    assert flags == (False, False, True, False)


def test_a_path_of_no_variable_is_refused(variables):
    with pytest.raises(ValueError, match="'lost', the path of 0"):
        decay.exclusion_flags(variables, ["lost"])


def test_a_path_of_two_variables_is_refused(variables):
    path = decay.path_of(variables[0])
    with pytest.raises(ValueError, match="the path of 2"):
        decay.exclusion_flags([*variables, variables[0]], [path])


def test_paths_tell_layers_apart():
    model = keras.Sequential(
        [keras.Input([3]), keras.layers.Dense(3, name="a"),
         keras.layers.Dense(3, name="b")]
    )  # fmt: skip
    paths = [decay.path_of(v) for v in model.trainable_variables]
    assert len(set(paths)) == 4
    assert decay.path_of(tf.Variable(1.0, name="plain")) == "plain:0"


def test_l2_loss_is_half_the_sum_of_squares(variables):
    rng = np.random.default_rng(0)
    for variable in variables:
        variable.assign(rng.standard_normal(variable.shape))
    expected = sum(0.5 * np.sum(np.square(v.numpy())) for v in variables)
    loss = decay.l2_loss(variables)
    assert loss.dtype == tf.float32
    assert loss.numpy() == pytest.approx(expected, rel=1e-6)


def test_the_gradient_of_the_l2_loss_is_the_weight(variables):
    with tf.GradientTape() as tape:
        loss = decay.l2_loss(variables)
    gradients = tape.gradient(loss, [v.value for v in variables])
    for gradient, variable in zip(gradients, variables, strict=True):
        np.testing.assert_array_equal(gradient, variable.numpy())


def test_no_variables_have_no_loss():
    assert decay.l2_loss([]).numpy() == 0.0
