import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.models import layers, norm

# Float32 sums in another order.
ROUNDING = 1e-5


def sample(*shape):
    random = np.random.RandomState(0)
    return random.standard_normal(shape).astype("float32")


def convolve(images, kernel, strides):
    """Loops over output pixels; borders by the kernel size alone."""
    side = kernel.shape[0]
    before = (side - 1) // 2
    after = side - 1 - before
    borders = ((0, 0), (before, after), (before, after), (0, 0))
    padded = np.pad(images, borders)
    size = -(-images.shape[1] // strides)
    outputs = np.zeros((len(images), size, size, kernel.shape[-1]))
    for row in range(size):
        for column in range(size):
            top, left = row * strides, column * strides
            window = padded[:, top : top + side, left : left + side]
            outputs[:, row, column] = np.tensordot(window, kernel, 3)
    return outputs


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 3, 7])
def test_convolution_matches_oracle(kernel_size, strides, size):
    layer = layers.FixedPaddingConv(5, kernel_size=kernel_size, strides=strides)
    images = sample(2, size, size, 3)
    outputs = layer(images)
    kernel = layer.kernel.numpy()
    assert kernel.shape == (kernel_size, kernel_size, 3, 5)
    wanted = convolve(images, kernel, strides)
    np.testing.assert_allclose(outputs, wanted, atol=ROUNDING)


def test_convolution_has_no_bias_and_starts_with_unit_variance():
    layer = layers.FixedPaddingConv(256, kernel_size=3)
    layer.build((None, 8, 8, 64))
    assert [variable.name for variable in layer.variables] == ["kernel"]
    # VarianceScaling: variance 1 / fan-in, here of 147,456 draws.
    np.testing.assert_allclose(
        np.std(layer.kernel), 1 / np.sqrt(9 * 64), rtol=0.02
    )
    # A truncated normal: no draw beyond two of its own deviations.
    assert np.abs(layer.kernel).max() < 2.3 / np.sqrt(9 * 64)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def test_squeeze_excite_matches_oracle():
    layer = layers.SqueezeExcite(4, ratio=0.5)
    images = sample(2, 3, 3, 6)
    outputs = layer(images)
    assert layer.reduce.kernel.shape == (1, 1, 6, 2)
    assert layer.expand.kernel.shape == (1, 1, 2, 6)
    assert len(layer.variables) == 4
    hidden = images.mean((1, 2)) @ layer.reduce.kernel.numpy()[0, 0]
    gate = np.maximum(hidden, 0) @ layer.expand.kernel.numpy()[0, 0]
    wanted = images * sigmoid(gate)[:, None, None]
    np.testing.assert_allclose(outputs, wanted, atol=ROUNDING)


def test_squeeze_excite_has_at_least_one_hidden_unit():
    assert layers.SqueezeExcite(4, ratio=0.01).hidden == 1
    assert layers.SqueezeExcite(64, ratio=0.25).hidden == 16


def apply_norm(values, layer):
    scale = 1 / np.sqrt(layer.moving_variance.numpy() + 1e-5)
    return values * scale


def test_selective_kernel_matches_oracle():
    layer = layers.SelectiveKernel(4, make_norm=norm.BatchNorm, ratio=0.0625)
    images = sample(2, 5, 5, 3)
    outputs = layer(images)
    streams = convolve(images, layer.conv.kernel.numpy(), 1)
    streams = np.maximum(apply_norm(streams, layer.norm), 0)
    streams = np.stack([streams[..., :4], streams[..., 4:]])
    means = streams.sum(0).mean((1, 2))
    hidden = means @ layer.squeeze.kernel.numpy()[0, 0]
    hidden = np.maximum(apply_norm(hidden, layer.squeeze_norm), 0)
    scores = hidden @ layer.mix.kernel.numpy()[0, 0]
    scores = np.exp(np.stack([scores[:, :4], scores[:, 4:]]))
    weights = (scores / scores.sum(0))[:, :, None, None]
    wanted = (weights * streams).sum(0)
    np.testing.assert_allclose(outputs, wanted, atol=ROUNDING)


@pytest.mark.parametrize(("filters", "hidden"), [(64, 32), (1024, 64)])
def test_selective_kernel_width_of_mixing_layer(filters, hidden):
    layer = layers.SelectiveKernel(
        filters, make_norm=norm.BatchNorm, ratio=0.0625
    )
    assert layer.squeeze.filters == hidden


def test_selective_kernel_strides():
    layer = layers.SelectiveKernel(
        4, make_norm=norm.BatchNorm, ratio=0.5, strides=2
    )
    assert layer(sample(2, 7, 7, 3)).shape == (2, 4, 4, 4)


def test_pad_of_a_single_pixel_is_the_identity():
    images = tf.constant(sample(1, 2, 2, 1))
    assert layers.pad(images, 1) is images
    assert layers.pad(images, 2).shape == (1, 3, 3, 1)
