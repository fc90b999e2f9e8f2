"""The convolution, squeeze-and-excite and selective-kernel layers.

Dimension letters: `B` rows, `H W` image axes, `C` channels, `F` filters.
"""

import keras
import tensorflow as tf


def pad(images, kernel_size):
    """Zeros around [B, H, W, C], so that strided windows give ceil(H / s).

    The border depends on the kernel alone, unlike that of "SAME", which
    depends on the image size as well. A pad of its own and not the padding
    argument of the convolution, which is 20 times slower in bfloat16 on CPU.

    Source: official tf2/resnet.py.
    """
    total = kernel_size - 1
    if total == 0:
        return images
    border = (total // 2, total - total // 2)
    return tf.pad(images, ((0, 0), border, border, (0, 0)))


def build_by_a_pass(layer, build_config):
    """Creates all variables of a layer whose first call builds its parts.

    Keras' loader asks for this before it reads the weights; it skips, saying
    nothing, those of parts that are not built.

    Args:
        layer: called once, in inference, on zeros.
        build_config: what `keras.layers.Layer.get_build_config` recorded;
            sizes left open there count as 1.
    """
    shape = [size or 1 for size in build_config["input_shape"]]
    layer(tf.zeros(shape), training=False)


class FixedPaddingConv(keras.layers.Layer):
    """Square convolution without bias, padded by the kernel size alone.

    Args:
        filters: F, number of output channels.
        kernel_size: side of the kernel in pixels.
        strides: step in pixels; 1 pads as "SAME".
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Source: official tf2/resnet.py; kernels start from `VarianceScaling` with
    its defaults.
    """

    def __init__(self, filters, *, kernel_size, strides=1, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides

    def build(self, input_shape):
        """Creates the kernel, [k, k, C, F]."""
        side = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, input_shape[-1], self.filters),
            initializer=keras.initializers.VarianceScaling(),
        )

    def call(self, images):
        """Maps [B, H, W, C] to [B, ceil(H / s), ceil(W / s), F]."""
        padding = "SAME"
        if self.strides > 1:
            images = pad(images, self.kernel_size)
            padding = "VALID"
        return tf.nn.conv2d(images, self.kernel, self.strides, padding)


class SqueezeExcite(keras.layers.Layer):
    """Scales each channel by a gate computed from all channels' means.

    Args:
        filters: width of the block that the layer stands in; the gate's
            hidden width is max(1, int(filters * ratio)).
        ratio: > 0, official `se_ratio`.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Source: official tf2/resnet.py.
    """

    def __init__(self, filters, *, ratio, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.hidden = max(1, int(filters * ratio))

    def build(self, input_shape):
        """Creates the two 1x1 convolutions, with biases."""
        channels = input_shape[-1]
        self.reduce = self._convolution(self.hidden, "reduce")
        self.expand = self._convolution(channels, "expand")
        self.reduce.build((None, 1, 1, channels))
        self.expand.build((None, 1, 1, self.hidden))

    def _convolution(self, filters, name):
        return keras.layers.Conv2D(
            filters,
            1,
            data_format="channels_last",  # whatever keras.json says
            kernel_initializer=keras.initializers.VarianceScaling(),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, images):
        """Maps [B, H, W, C] to the same shape."""
        means = tf.reduce_mean(images, [1, 2], keepdims=True)  # [B, 1, 1, C]
        gate = self.expand(tf.nn.relu(self.reduce(means)))
        return tf.sigmoid(gate) * images


class SelectiveKernel(keras.layers.Layer):
    """Two 3x3 streams, mixed per channel by a softmax over the streams.

    Includes the batch norm and ReLU of the streams.

    Args:
        filters: F, output channels; each stream has as many.
        make_norm: makes a `norm.BatchNorm` from its `name`.
        ratio: > 0, official `sk_ratio`, 0.0625 recommended.
        strides: of the convolution.
        min_hidden: least width of the mixing layer.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Source: Chen et al. 2020b, section 3 (ResNets with selective kernels);
    official tf2/resnet.py.
    """

    def __init__(
        self, filters, *, make_norm, ratio, strides=1, min_hidden=32, **kwargs
    ):
        """See the class."""
        super().__init__(**kwargs)
        hidden = max(int(filters * ratio), min_hidden)
        self.conv = self._convolution(2 * filters, 3, "conv", strides)
        self.norm = make_norm(name="norm")
        self.squeeze = self._convolution(hidden, 1, "squeeze")
        self.squeeze_norm = make_norm(name="squeeze_norm")
        self.mix = self._convolution(2 * filters, 1, "mix")

    def _convolution(self, filters, kernel_size, name, strides=1):
        return FixedPaddingConv(
            filters,
            kernel_size=kernel_size,
            strides=strides,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape):
        """Nothing here: the first call builds the sublayers."""

    def call(self, images, training=False):
        """Maps [B, H, W, C] to [B, H / strides, W / strides, F]."""
        streams = tf.nn.relu(self.norm(self.conv(images), training=training))
        first, second = tf.split(streams, 2, axis=-1)  # [B, H, W, F] each
        means = tf.reduce_mean(first + second, [1, 2], keepdims=True)
        hidden = self.squeeze_norm(self.squeeze(means), training=training)
        scores = self.mix(tf.nn.relu(hidden))  # [B, 1, 1, 2F]
        first_score, second_score = tf.split(scores, 2, axis=-1)
        # A softmax over two is a sigmoid of the difference.
        weight = tf.sigmoid(first_score - second_score)  # [B, 1, 1, F]
        return second + weight * (first - second)
