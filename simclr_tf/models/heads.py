"""Projection head g and the linear classifier.

Dimension letters: `B` rows, `D` features, `P` projection, `K` classes.
"""

import typing

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import layers, norm

MODES = ("none", "linear", "nonlinear")
# Standard deviation of every head's kernel. Source: official tf2/model.py.
KERNEL_STDDEV = 0.01


@keras.saving.register_keras_serializable(package="simclr_tf")
class ProjectionHead(keras.layers.Layer):
    """Maps features h to projections z = g(h), keeping what lies between.

    "nonlinear": `num_layers` - 1 times dense (width of its input), batch
    norm, ReLU; then dense (`out_dim`) and batch norm without shift.
    "linear": the last of these alone. "none": the identity. No dense layer
    has a bias.

    Args:
        mode: one of `MODES`.
        num_layers: dense layers of "nonlinear", at least 1.
        out_dim: P.
        bn_momentum: momentum of the moving statistics.
        sync_bn: whether batch statistics are taken over all replicas.
        fused_bn: whether batch norm is one operation on one replica.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Attributes:
        mode, num_layers, out_dim, bn_momentum, sync_bn, fused_bn: as
            given.
        layers: tuple of `HeadLayer`s.
        num_stages: how many stages `call` returns.

    Raises:
        errors.UserError: if an argument is outside its range.

    Source: Chen et al. 2020a, section 4.2; Chen et al. 2020b, section 2
    (deeper heads); official tf2/model.py, whose "linear" and "none" fail.
    """

    def __init__(
        self,
        mode: str = "nonlinear",
        *,
        num_layers: int = 3,
        out_dim: int = 128,
        bn_momentum: float = 0.9,
        sync_bn: bool = True,
        fused_bn: bool = True,
        **kwargs: typing.Any,
    ) -> None:
        """See the class."""
        _check(mode, num_layers, out_dim)
        super().__init__(**kwargs)
        self.mode = mode
        self.num_layers = num_layers
        self.out_dim = out_dim
        self.bn_momentum = bn_momentum
        self.sync_bn = sync_bn
        self.fused_bn = fused_bn
        num_dense = {"none": 0, "linear": 1, "nonlinear": num_layers}[mode]
        self.num_stages = num_dense + 1
        self.layers = tuple(
            HeadLayer(
                out_dim if index == num_dense else None,
                is_last=index == num_dense,
                bn_momentum=bn_momentum,
                sync_bn=sync_bn,
                fused_bn=fused_bn,
                name=f"layer{index}",
                dtype=self.dtype_policy,
            )
            for index in range(1, num_dense + 1)
        )

    def get_config(self):
        """The arguments that make the same head."""
        return {
            **super().get_config(),
            "mode": self.mode,
            "num_layers": self.num_layers,
            "out_dim": self.out_dim,
            "bn_momentum": self.bn_momentum,
            "sync_bn": self.sync_bn,
            "fused_bn": self.fused_bn,
        }

    def build(self, input_shape):
        """Nothing here: the first call builds the sublayers."""

    def build_from_config(self, config):
        """Creates all variables, for Keras' loader."""
        layers.build_by_a_pass(self, config)

    def call(self, features, training=False):
        """All stages of the head.

        Args:
            features: [B, D].
            training: whether batch statistics normalise.

        Returns:
            A tuple: the features, then the output of each layer. Stage k is
            the official `ft_proj_selector` k, the last the projections.
        """
        stages = (features,)
        for layer in self.layers:
            stages += (layer(stages[-1], training=training),)
        return stages


class HeadLayer(keras.layers.Layer):
    """Dense without bias, batch norm and, unless the last, ReLU.

    Args:
        units: of the dense layer; None for the width of its input.
        is_last: the last has neither shift nor ReLU.
        bn_momentum: momentum of the moving statistics.
        sync_bn: whether batch statistics are taken over all replicas.
        fused_bn: whether batch norm is one operation on one replica.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.
    """

    def __init__(
        self, units, *, is_last, bn_momentum, sync_bn, fused_bn, **kwargs
    ):
        """See the class."""
        super().__init__(**kwargs)
        self.units = units
        self.is_last = is_last
        self.bn_momentum = bn_momentum
        self.sync_bn = sync_bn
        self.fused_bn = fused_bn

    def build(self, input_shape):
        """Creates the dense layer, then the batch norm."""
        self.dense = _dense(
            self.units or input_shape[-1],
            use_bias=False,
            name="dense",
            dtype=self.dtype_policy,
        )
        self.norm = norm.BatchNorm(
            momentum=self.bn_momentum,
            center=not self.is_last,
            synchronized=self.sync_bn,
            fused=self.fused_bn,
            name="norm",
            dtype=self.dtype_policy,
        )

    def call(self, features, training=False):
        """Maps [B, D] to [B, units]."""
        outputs = self.norm(self.dense(features), training=training)
        return outputs if self.is_last else tf.nn.relu(outputs)


class LinearHead(keras.layers.Layer):
    """Logits, float32 [B, K], from features [B, D].

    Args:
        num_classes: K.
        **kwargs: `name` of `keras.layers.Layer`.

    Attributes:
        num_classes: as given.

    Source: official tf2/model.py.
    """

    def __init__(self, num_classes, **kwargs):
        """See the class."""
        super().__init__(dtype="float32", **kwargs)
        self.num_classes = num_classes
        self.dense = _dense(num_classes, use_bias=True, name="dense")

    def build(self, input_shape):
        """Creates the kernel [D, K], normal, and the bias [K], zero."""
        self.dense.build(input_shape)

    def call(self, features):
        """Maps [B, D] to [B, K]."""
        return self.dense(features)


def _dense(units, *, use_bias, name, dtype="float32"):
    return keras.layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.RandomNormal(
            stddev=KERNEL_STDDEV
        ),
        name=name,
        dtype=dtype,
    )


def _check(mode, num_layers, out_dim):
    rules = (
        (mode in MODES, "proj_head_mode", f"one of {MODES}", mode),
        (num_layers >= 1, "num_proj_layers", "at least 1", num_layers),
        (out_dim >= 1, "proj_out_dim", "at least 1", out_dim),
    )
    for holds, name, rule, value in rules:
        if not holds:
            raise errors.UserError(f"{name} must be {rule}; got {value!r}")
