"""NT-Xent as a Keras loss."""

import typing

import keras
import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.losses import implementations


@keras.saving.register_keras_serializable(package="simclr_tf")
class NTXent(keras.losses.Loss):
    """`nt_xent` for models that output projections.

    The predictions are float [2b, P]; rows r and r + b are the views of image
    r, as `RandomViews` gives them. `y_true` is not looked at; `fit` wants one
    with as many rows as the input, such as zeros.

    Args:
        temperature: t > 0, dimensionless.
        normalize: L2-normalise rows first.
        nt_xent: implementation, "auto", "dense" or "streaming".
        name: of the loss.

    Raises:
        errors.UserError: for another implementation, when called.

    Distribution: in `fit` under `tf.distribute` the negatives are the rows of
    all replicas.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        *,
        normalize: bool = True,
        nt_xent: str = "auto",
        name: str = "nt_xent",
        **kwargs: typing.Any,
    ) -> None:
        """See the class."""
        super().__init__(name=name, **kwargs)
        self.temperature = temperature
        self.normalize = normalize
        self.nt_xent = nt_xent

    def call(self, y_true: typing.Any, y_pred: tf.Tensor) -> tf.Tensor:
        """The loss, float32 [], nats; see `nt_xent`."""
        del y_true
        num_replicas = distribution.num_replicas()
        contrast = implementations.choose(
            self.nt_xent,
            num_images=(y_pred.shape[0] or 0) // 2 * num_replicas,
            num_replicas=num_replicas,
        )
        return contrast(
            y_pred, temperature=self.temperature, normalize=self.normalize
        ).loss

    def get_config(self) -> dict:
        """The arguments that make the same loss."""
        return super().get_config() | {
            "temperature": self.temperature,
            "normalize": self.normalize,
            "nt_xent": self.nt_xent,
        }
