"""Stem, residual blocks, and the groups they stand in.

Dimension letters: `B` rows, `H W` image axes, `C` channels.
"""

import keras
import tensorflow as tf

from simclr_tf.models import layers, remat


class Parts:
    """What all blocks of one network are made of.

    Args:
        conv: makes a `layers.FixedPaddingConv`.
        norm: makes a `norm.BatchNorm`.
        sk_ratio: of the selective kernels; 0 for none.
        se_ratio: of squeeze-and-excite; 0 for none.
        remat: whether training computes blocks twice, to save memory.
        dtype: policy of all layers.
    """

    def __init__(self, *, conv, norm, sk_ratio, se_ratio, remat, dtype):
        """See the class."""
        self.conv = conv
        self.norm = norm
        self.sk_ratio = sk_ratio
        self.se_ratio = se_ratio
        self.remat = remat
        self.dtype = dtype

    def selective_kernel(self, filters, *, strides, name):
        """The middle of a bottleneck, with its batch norm and ReLU."""
        return layers.SelectiveKernel(
            filters,
            make_norm=self.norm,
            ratio=self.sk_ratio,
            strides=strides,
            name=name,
            dtype=self.dtype,
        )

    def squeeze_excite(self, filters):
        """The gate at the end of a block, or None."""
        if not self.se_ratio:
            return None
        return layers.SqueezeExcite(
            filters, ratio=self.se_ratio, name="se", dtype=self.dtype
        )


class _Composite(keras.layers.Layer):
    """A layer of layers, which its first call builds."""

    def build(self, input_shape):
        """Nothing here: the first call builds the sublayers."""


class Stem(_Composite):
    """What comes before the first block.

    Args:
        filters: output channels.
        parts: makers of the sublayers.
        kind: "imagenet" or "cifar"; with SK the former is ResNet-D's, three
            3x3 convolutions.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Attributes:
        kind: as given.
        steps: tuple of convolution, batch norm, and so on.
    """

    def __init__(self, filters, parts, *, kind, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.kind = kind
        self.has_pool = kind == "imagenet"
        if kind == "cifar":
            shapes = ((filters, 3, 1),)
        elif parts.sk_ratio:
            half = filters // 2
            shapes = ((half, 3, 2), (half, 3, 1), (filters, 3, 1))
        else:
            shapes = ((filters, 7, 2),)
        steps = []
        for index, (width, side, strides) in enumerate(shapes, 1):
            conv = parts.conv(
                width, kernel_size=side, strides=strides, name=f"conv{index}"
            )
            steps += [conv, parts.norm(name=f"norm{index}")]
        self.steps = tuple(steps)

    @property
    def convs(self):
        """The convolutions, a tuple."""
        return self.steps[::2]

    @property
    def norms(self):
        """The batch norms, one after each convolution."""
        return self.steps[1::2]

    def call(self, images, training=False):
        """Returns the last convolution's output and the stem's output."""
        outputs = images
        for conv, norm_layer in zip(self.convs, self.norms, strict=True):
            convolved = conv(outputs)
            outputs = norm_layer(convolved, training=training)
            outputs = tf.nn.relu(outputs)
        if self.has_pool:
            outputs = tf.nn.max_pool2d(outputs, 3, 2, "SAME")
        return convolved, outputs


class BlockGroup(_Composite):
    """Blocks of one resolution; the first strides and projects.

    Attributes:
        blocks: tuple of the blocks.
    """

    def __init__(
        self, filters, parts, *, num_blocks, make_block, strides, **kwargs
    ):
        """See the class."""
        super().__init__(**kwargs)
        self.remat = parts.remat
        self.blocks = tuple(
            make_block(
                filters,
                parts,
                strides=strides if index == 0 else 1,
                has_projection=index == 0,
                name=f"block{index + 1}",
                dtype=self.dtype_policy,
            )
            for index in range(num_blocks)
        )

    def call(self, images, training=False):
        """Maps [B, H, W, C] through all blocks."""
        for block in self.blocks:
            if training and self.remat:
                images = remat.call(block, images)
            else:
                images = block(images, training=training)
        return images


class Shortcut(_Composite):
    """Projection shortcut; ResNet-D averages first, then convolves."""

    def __init__(self, filters, parts, *, strides, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.strides = strides
        self.is_averaged = parts.sk_ratio > 0
        self.conv = parts.conv(
            filters,
            kernel_size=1,
            strides=1 if self.is_averaged else strides,
            name="conv",
        )
        self.norm = parts.norm(name="norm")

    def call(self, images, training=False):
        """Maps [B, H, W, C] to the block's output shape."""
        if self.is_averaged:
            images = self._average(images)
        return self.norm(self.conv(images), training=training)

    def _average(self, images):
        if self.strides == 1:
            return tf.nn.avg_pool2d(images, 2, 1, "SAME")
        return tf.nn.avg_pool2d(layers.pad(images, 2), 2, self.strides, "VALID")


class ResidualBlock(_Composite):
    """relu(shortcut(x) + residual(x)); subclasses give the residual.

    Args:
        filters: of the block's convolutions.
        parts: makers of the sublayers.
        strides: of the block.
        has_projection: whether the shortcut is a convolution.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Attributes:
        expansion: output channels per filter, of the class.
        shortcut: the `Shortcut`, or None.
        squeeze_excite: the `layers.SqueezeExcite`, or None.
    """

    expansion = 1

    def __init__(self, filters, parts, *, strides, has_projection, **kwargs):
        """See the class."""
        super().__init__(**kwargs)
        self.shortcut = None
        if has_projection:
            self.shortcut = Shortcut(
                filters * self.expansion,
                parts,
                strides=strides,
                name="shortcut",
                dtype=self.dtype_policy,
            )
        self.make_residual(filters, parts, strides)
        self.squeeze_excite = parts.squeeze_excite(filters)

    def call(self, images, training=False):
        """Maps [B, H, W, C] to [B, H / s, W / s, expansion * filters]."""
        shortcut = images
        if self.shortcut is not None:
            shortcut = self.shortcut(images, training=training)
        outputs = self.residual(images, training)
        if self.squeeze_excite is not None:
            outputs = self.squeeze_excite(outputs)
        return tf.nn.relu(shortcut + outputs)


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions; they take no selective kernel."""

    def make_residual(self, filters, parts, strides):
        """Creates the sublayers of the residual."""
        self.conv1 = parts.conv(
            filters, kernel_size=3, strides=strides, name="conv1"
        )
        self.norm1 = parts.norm(name="norm1")
        self.conv2 = parts.conv(filters, kernel_size=3, name="conv2")
        self.norm2 = parts.norm(gamma_initializer="zeros", name="norm2")

    def residual(self, images, training):
        """Maps [B, H, W, C] to the block's output shape."""
        outputs = self.norm1(self.conv1(images), training=training)
        outputs = self.conv2(tf.nn.relu(outputs))
        return self.norm2(outputs, training=training)


class BottleneckBlock(ResidualBlock):
    """1x1, then 3x3 or a selective kernel, then 1x1 of four times the width.

    The stride is in the middle.
    """

    expansion = 4

    def make_residual(self, filters, parts, strides):
        """Creates the sublayers of the residual."""
        self.conv1 = parts.conv(filters, kernel_size=1, name="conv1")
        self.norm1 = parts.norm(name="norm1")
        self.selective = None
        if parts.sk_ratio:
            self.selective = parts.selective_kernel(
                filters, strides=strides, name="selective"
            )
        else:
            self.conv2 = parts.conv(
                filters, kernel_size=3, strides=strides, name="conv2"
            )
            self.norm2 = parts.norm(name="norm2")
        self.conv3 = parts.conv(
            filters * self.expansion, kernel_size=1, name="conv3"
        )
        self.norm3 = parts.norm(gamma_initializer="zeros", name="norm3")

    def residual(self, images, training):
        """Maps [B, H, W, C] to the block's output shape."""
        outputs = self.norm1(self.conv1(images), training=training)
        outputs = self._middle(tf.nn.relu(outputs), training)
        return self.norm3(self.conv3(outputs), training=training)

    def _middle(self, images, training):
        if self.selective is not None:
            return self.selective(images, training=training)
        outputs = self.norm2(self.conv2(images), training=training)
        return tf.nn.relu(outputs)
