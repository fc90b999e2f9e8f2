"""Residual networks: depths 10-200, any width, SE, SK with ResNet-D.

Dimension letters: `B` rows, `H W` image axes, `C` channels, `D` features.
"""

import functools

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import blocks, layers, norm

# depth: (kind of block, how many in each of the four groups).
# Source: official tf2/resnet.py. 10 is this project's, for quick runs.
DEPTHS = {
    10: (blocks.BasicBlock, (1, 1, 1, 1)),
    18: (blocks.BasicBlock, (2, 2, 2, 2)),
    34: (blocks.BasicBlock, (3, 4, 6, 3)),
    50: (blocks.BottleneckBlock, (3, 4, 6, 3)),
    101: (blocks.BottleneckBlock, (3, 4, 23, 3)),
    152: (blocks.BottleneckBlock, (3, 8, 36, 3)),
    200: (blocks.BottleneckBlock, (3, 24, 36, 3)),
}
STEMS = ("imagenet", "cifar")


@keras.saving.register_keras_serializable(package="simclr_tf")
class ResNet(keras.Model):
    """Residual network from images to features h = f(x).

    Blocks are of the first version (ReLU after the addition). The first
    block of every group projects its shortcut.

    Args:
        depth: a key of `DEPTHS`.
        width: multiplier of all channel counts, fractions allowed.
        sk_ratio: > 0 puts selective kernels into bottleneck blocks and makes
            stem and shortcuts those of ResNet-D, in all blocks.
        se_ratio: > 0 puts squeeze-and-excite into every block.
        stem: "imagenet" (7x7 convolution and pool, both of stride 2) or
            "cifar" (3x3 convolution of stride 1).
        bn_momentum: momentum of the moving statistics.
        sync_bn: whether batch statistics are taken over all replicas.
        fused_bn: whether batch norm is one operation on one replica.
        remat: whether training keeps the inputs of blocks alone and computes
            the rest again for the gradient.
        dtype: "float32" or "mixed_bfloat16".
        name: name of the model.

    Attributes:
        depth, width, sk_ratio, se_ratio, bn_momentum, sync_bn,
            fused_bn, remat: as given.
        stem: the `blocks.Stem`, which knows its `kind`.
        block_groups: tuple of the four `blocks.BlockGroup`s.
        num_features: D.

    Raises:
        errors.UserError: if an argument is outside its range.

    Source: Chen et al. 2020a, section 4 and appendix B.9 (CIFAR stem);
    Chen et al. 2020b, section 3; official tf2/resnet.py.
    """

    def __init__(
        self,
        depth: int = 50,
        *,
        width: float = 1.0,
        sk_ratio: float = 0.0,
        se_ratio: float = 0.0,
        stem: str = "imagenet",
        bn_momentum: float = 0.9,
        sync_bn: bool = True,
        fused_bn: bool = True,
        remat: bool = False,
        dtype: str = "float32",
        name: str = "resnet",
    ) -> None:
        """See the class."""
        _check(depth, width, sk_ratio, se_ratio, stem)
        super().__init__(name=name, dtype=dtype)
        self.depth = depth
        self.width = width
        self.sk_ratio = sk_ratio
        self.se_ratio = se_ratio
        self.bn_momentum = bn_momentum
        self.sync_bn = sync_bn
        self.fused_bn = fused_bn
        self.remat = remat
        base = int(64 * width)
        block, depths = DEPTHS[depth]
        parts = self._parts(dtype)
        self.stem = blocks.Stem(
            base, parts, kind=stem, name="stem", dtype=dtype
        )
        self.block_groups = tuple(
            blocks.BlockGroup(
                base * 2**index,
                parts,
                num_blocks=num_blocks,
                make_block=block,
                strides=1 if index == 0 else 2,
                name=f"block_group{index + 1}",
                dtype=dtype,
            )
            for index, num_blocks in enumerate(depths)
        )
        self.num_features = base * 8 * block.expansion

    def _parts(self, dtype):
        return blocks.Parts(
            conv=functools.partial(layers.FixedPaddingConv, dtype=dtype),
            norm=functools.partial(
                norm.BatchNorm,
                momentum=self.bn_momentum,
                synchronized=self.sync_bn,
                fused=self.fused_bn,
                dtype=dtype,
            ),
            sk_ratio=self.sk_ratio,
            se_ratio=self.se_ratio,
            remat=self.remat,
            dtype=dtype,
        )

    def get_config(self):
        """The arguments that make the same network."""
        return {
            "depth": self.depth,
            "width": self.width,
            "sk_ratio": self.sk_ratio,
            "se_ratio": self.se_ratio,
            "stem": self.stem.kind,
            "bn_momentum": self.bn_momentum,
            "sync_bn": self.sync_bn,
            "fused_bn": self.fused_bn,
            "remat": self.remat,
            "dtype": self.dtype_policy.name,
            "name": self.name,
        }

    def build(self, input_shape):
        """Nothing here: the first call builds the sublayers."""

    def build_from_config(self, config):
        """Creates all variables, for Keras' loader."""
        layers.build_by_a_pass(self, config)

    def endpoints(self, images, training=False):
        """The named outputs, official names, of one pass.

        Args:
            images: [B, H, W, 3] in [0, 1].
            training: whether batch statistics normalise.

        Returns:
            A dict. `initial_conv`: the stem's convolution, before batch
            norm. `initial_max_pool`: the stem's output. `block_group1` to
            `block_group4`: [B, H, W, C] in the compute dtype.
            `final_avg_pool`: the features, float32 [B, D].
        """
        named = {}
        named["initial_conv"], outputs = self.stem(images, training=training)
        named["initial_max_pool"] = outputs
        for group in self.block_groups:
            outputs = group(outputs, training=training)
            named[group.name] = outputs
        wide = tf.cast(outputs, tf.float32)
        named["final_avg_pool"] = tf.reduce_mean(wide, [1, 2])  # [B, D]
        return named

    def call(self, images, training=False):
        """Features of images [B, H, W, 3] in [0, 1]: float32 [B, D]."""
        return self.endpoints(images, training=training)["final_avg_pool"]


def _check(depth, width, sk_ratio, se_ratio, stem):
    rules = (
        (depth in DEPTHS, "depth", f"one of {tuple(DEPTHS)}", depth),
        (int(64 * width) >= 2, "width", "at least 1/32", width),
        (0 <= sk_ratio <= 1, "sk_ratio", "in [0, 1]", sk_ratio),
        (0 <= se_ratio <= 1, "se_ratio", "in [0, 1]", se_ratio),
        (stem in STEMS, "stem", f"one of {STEMS}", stem),
    )
    for holds, name, rule, value in rules:
        if not holds:
            raise errors.UserError(f"{name} must be {rule}; got {value!r}")
