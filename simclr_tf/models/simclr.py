"""The whole model: encoder f, projection head g, linear classifier.

Dimension letters: `B` rows, `D` features, `P` projection, `K` classes.
"""

import collections

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.models import heads, initial_weights, layers, norm, resnet
from simclr_tf.optim import decay

Outputs = collections.namedtuple("Outputs", "features projections logits")


@keras.saving.register_keras_serializable(package="simclr_tf")
class SimCLR(keras.Model):
    """Encoder, projection head and, given classes, a linear classifier.

    Both views of a batch go through in one call, one after the other on the
    rows, so that batch statistics are over both.

    The heads compute in float32 whatever the encoder's dtype: they are small,
    and the loss wants their digits.

    Args:
        encoder: any Keras model from images [B, H, W, 3] to [B, D]; None for
            `resnet.ResNet(50)`, with the batch-norm arguments and `dtype`.
        proj_head_mode: "none", "linear" or "nonlinear".
        num_proj_layers: dense layers of the nonlinear head.
        proj_out_dim: P.
        ft_proj_selector: stage of the projection head that the classifier
            reads: 0 the features, k the output of layer k, -1 the last.
        num_classes: K; None for no classifier.
        probe_stop_gradient: whether the classifier's loss leaves all else
            alone, as beside pretraining; False for fine-tuning.
        sync_bn: whether batch statistics are taken over all replicas.
        fused_bn: whether batch norm is one operation on one replica.
        remat: whether the default encoder saves memory by computing its
            blocks twice.
        bn_momentum: momentum of the moving statistics.
        dtype: compute policy of the default encoder: "float32" or
            "mixed_bfloat16".
        name: name of the model.

    Attributes:
        encoder, projection_head: the parts.
        supervised_head: the classifier, or None.

    Raises:
        errors.UserError: if an argument is outside its range.

    Source: Chen et al. 2020a, section 2.1; official tf2/model.py.
    """

    def __init__(
        self,
        encoder: keras.Layer | None = None,
        *,
        proj_head_mode: str = "nonlinear",
        num_proj_layers: int = 3,
        proj_out_dim: int = 128,
        ft_proj_selector: int = 0,
        num_classes: int | None = None,
        probe_stop_gradient: bool = True,
        sync_bn: bool = True,
        fused_bn: bool = True,
        remat: bool = False,
        bn_momentum: float = 0.9,
        dtype: str = "float32",
        name: str = "simclr",
    ) -> None:
        """See the class."""
        super().__init__(name=name, dtype="float32")
        if encoder is None:
            encoder = resnet.ResNet(
                50,
                sync_bn=sync_bn,
                fused_bn=fused_bn,
                remat=remat,
                bn_momentum=bn_momentum,
                dtype=dtype,
            )
        self.encoder = encoder
        self.projection_head = heads.ProjectionHead(
            proj_head_mode,
            num_layers=num_proj_layers,
            out_dim=proj_out_dim,
            bn_momentum=bn_momentum,
            sync_bn=sync_bn,
            fused_bn=fused_bn,
            name="projection_head",
            dtype="float32",
        )
        self.supervised_head = None
        if num_classes is not None:
            self.supervised_head = heads.LinearHead(
                num_classes, name="supervised_head"
            )
        self.ft_proj_selector = ft_proj_selector
        self.probe_stop_gradient = probe_stop_gradient
        self._check_selector()

    def _check_selector(self):
        last = self.projection_head.num_stages - 1
        if not -1 <= self.ft_proj_selector <= last:
            raise errors.UserError(
                f"ft_proj_selector must be from -1 to {last}, the number of "
                f"projection layers; got {self.ft_proj_selector!r}"
            )

    def get_config(self):
        """The arguments that make the same model, its encoder serialised.

        Neither what the encoder was built on nor what it was compiled with
        is part of it: the whole model's first call builds it.
        """
        encoder = keras.saving.serialize_keras_object(self.encoder)
        for key in ("build_config", "compile_config"):
            encoder.pop(key, None)
        head = self.projection_head
        num_classes = None
        if self.supervised_head is not None:
            num_classes = self.supervised_head.num_classes
        return {
            "encoder": encoder,
            "proj_head_mode": head.mode,
            "num_proj_layers": head.num_layers,
            "proj_out_dim": head.out_dim,
            "ft_proj_selector": self.ft_proj_selector,
            "num_classes": num_classes,
            "probe_stop_gradient": self.probe_stop_gradient,
            "sync_bn": head.sync_bn,
            "fused_bn": head.fused_bn,
            "bn_momentum": head.bn_momentum,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model of a `get_config`.

        Args:
            config: the dict.
            custom_objects: classes by name, for an encoder that Keras does
                not know.
        """
        encoder = keras.saving.deserialize_keras_object(
            config["encoder"], custom_objects=custom_objects
        )
        return cls(**{**config, "encoder": encoder})

    def build(self, input_shape):
        """Nothing here: the first call builds the sublayers."""

    def build_from_config(self, config):
        """Creates all variables, for Keras' loader."""
        layers.build_by_a_pass(self, config)

    def build_on(self, image_size, *, channels=3):
        """Creates all variables, by a pass of one blank image.

        Call it under the strategy's scope, before any traced call.

        Args:
            image_size: side in pixels.
            channels: of the image.

        Returns:
            The model itself.
        """
        shape = [1, image_size, image_size, channels]
        self(tf.zeros(shape), training=False)
        return self

    def copy_on(self, image_size):
        """A model of the same configuration and weights, and nothing else.

        Args:
            image_size: side in pixels that it is built at.
        """
        with initial_weights.drawn_from(0):  # none of which stays
            copy = type(self).from_config(self.get_config())
            copy.build_on(image_size)
        copy.set_weights(self.get_weights())
        return copy

    def call(self, images, training=False):
        """One pass.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: whether batch statistics normalise.

        Returns:
            `Outputs(features, projections, logits)`, all float32: [B, D],
            [B, P], and [B, K] or None.
        """
        features = self.encoder(images, training=training)
        _check_features(features)
        return self._apply_heads(features, training)

    def predict_step(self, data):
        """What `predict` gives of a batch: a dict of the outputs there are."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        outputs = self(images, training=False)._asdict()
        return {k: value for k, value in outputs.items() if value is not None}

    def _apply_heads(self, features, training):
        features = tf.cast(features, tf.float32)
        stages = self.projection_head(features, training=training)
        logits = None
        if self.supervised_head is not None:
            inputs = stages[self.ft_proj_selector]
            if self.probe_stop_gradient:
                inputs = tf.stop_gradient(inputs)
            logits = self.supervised_head(inputs)
        return Outputs(features, stages[-1], logits)

    def endpoints(self, images, training=False):
        """The named outputs of one pass, official names.

        Args:
            images: float32 [B, H, W, 3] in [0, 1].
            training: whether batch statistics normalise.

        Returns:
            A dict: those of `resnet.ResNet.endpoints` (of another encoder,
            `final_avg_pool` alone), `proj_head_input`, `proj_head_output`,
            and `logits_sup` if there is a classifier.
        """
        if hasattr(self.encoder, "endpoints"):
            named = dict(self.encoder.endpoints(images, training=training))
        else:
            features = self.encoder(images, training=training)
            _check_features(features)
            named = {"final_avg_pool": tf.cast(features, tf.float32)}
        outputs = self._apply_heads(named["final_avg_pool"], training)
        named["proj_head_input"] = outputs.features
        named["proj_head_output"] = outputs.projections
        if outputs.logits is not None:
            named["logits_sup"] = outputs.logits
        return named

    @property
    def supervised_variables(self):
        """Trainable variables of the classifier, a list; [] without one."""
        if self.supervised_head is None:
            return []
        return self.supervised_head.trainable_variables

    def l2_loss_variables(self, *, optimizer_decays):
        """What the L2 loss covers, the optimizer decaying the rest itself.

        Args:
            optimizer_decays: whether the optimizer decays weights in its
                update, as LARS and LAMB do: then the classifier's kernel
                alone, otherwise everything trainable but batch norm, biases
                included.

        Source: official tf2/model.py, `add_weight_decay`.
        """
        if optimizer_decays:
            return [v for v in self.supervised_variables if decay.is_kernel(v)]
        normed = {id(v) for v in self.batch_norm_variables()}
        return [v for v in self.trainable_variables if id(v) not in normed]

    def batch_norm_variables(self):
        """Gammas and betas of all batch-norm layers, a list.

        Found by the layers' type, so that names play no part; decay leaves
        them out.
        """
        return [
            variable
            for layer in norm.layers_of(self)
            for variable in layer.trainable_variables
        ]


def _check_features(features):
    """Raises `UserError` if an encoder gives no vectors."""
    rank = features.shape.rank
    if rank not in (None, 2):
        raise errors.UserError(
            f"encoder must map images to [B, D]; got shape {features.shape}"
            + (": end it with global average pooling" if rank == 4 else "")
        )
