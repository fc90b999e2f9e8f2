"""Keras callbacks: progress that the contrastive loss does not show."""

import typing

import keras

from simclr_tf import errors
from simclr_tf.keras_api import scores

KNN_ACCURACY = "knn_accuracy"


class KNNCallback(keras.callbacks.Callback):
    """Adds `knn_accuracy` to the logs of every so many epochs.

    Other callbacks that come after it, such as
    `keras.callbacks.ModelCheckpoint(monitor="knn_accuracy", mode="max")`, can
    use it; so does `History`.

    Args:
        train: (images, labels) that vote.
        test: (images, labels) that are classified.
        every_epochs: at least 1.
        **options: of `knn_accuracy`: `neighbors`, `temperature`, `image_size`,
            `batch_size`.

    Raises:
        errors.UserError: if `every_epochs` is below 1.
    """

    def __init__(
        self,
        train: typing.Any,
        test: typing.Any,
        *,
        every_epochs: int = 1,
        **options: typing.Any,
    ) -> None:
        """See the class."""
        super().__init__()
        if every_epochs < 1:
            raise errors.UserError(
                f"every_epochs must be at least 1; got {every_epochs}"
            )
        self._train, self._test = train, test
        self._every_epochs = every_epochs
        self._options = options

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Measures, if it is due, and writes the accuracy into the logs."""
        if (epoch + 1) % self._every_epochs or logs is None:
            return
        logs[KNN_ACCURACY] = scores.knn_accuracy(
            self.model, self._train, self._test, **self._options
        )
