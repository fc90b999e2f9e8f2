"""The SimCLR network as a Keras model that compiles and fits.

Dimension letters: `B` images of a batch, `b` those of one replica, `H W`
image axes, `C` channels.
"""

import typing

import keras
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.augment import entry, geometry
from simclr_tf.data import sources
from simclr_tf.keras_api import batches, objective
from simclr_tf.models import simclr
from simclr_tf.optim import layerwise


@keras.saving.register_keras_serializable(package="simclr_tf")
class SimCLR(simclr.SimCLR):
    """The SimCLR network: encoder, projection head, optional classifier.

    `compile` it with an optimizer, then `fit` it on images: it makes two
    random views of each and learns that they belong together. Labels are
    optional; a model made with `num_classes` trains a linear classifier on
    them, whose gradient does not reach the encoder.

    `call` takes images, uint8 or float in [0, 1], and returns
    `Outputs(features, projections, logits)`; `predict` returns these as a
    dict. The losses and weights are those of the command line for the same
    images, order, seed and settings. See `models.simclr.SimCLR` for the
    arguments.
    """

    _objective = None
    _num_channels = None

    def build(self, input_shape: typing.Any) -> None:
        """Remembers the channels; the first call builds the sublayers."""
        self._num_channels = input_shape[-1]

    def call(self, images: tf.Tensor, training: bool = False) -> simclr.Outputs:
        """One pass; see `models.simclr.SimCLR.call`.

        Args:
            images: uint8, or float in [0, 1], [B, H, W, C]. Gray images serve
                a model that was built on RGB.
            training: whether batch statistics normalise.
        """
        images = geometry.as_float(images)
        is_gray = images.shape[-1] == entry.GRAY_CHANNELS
        if is_gray and self._num_channels == entry.RGB_CHANNELS:
            images = tf.repeat(images, entry.RGB_CHANNELS, axis=-1)
        return super().call(images, training=training)

    def compile(
        self,
        optimizer: typing.Any = "adam",
        *,
        temperature: float = 0.1,
        hidden_norm: bool = True,
        nt_xent: str = "auto",
        views: typing.Callable | None = None,
        weight_decay: float | None = None,
        seed: int = 0,
        jit_compile: bool | str = "auto",
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
    ) -> None:
        """Sets what `fit` minimises, and how.

        Args:
            optimizer: a Keras optimizer, such as `LARS`, or its name. LARS
                and LAMB leave the classifier out of decay and adaptation, as
                on the command line.
            temperature: of NT-Xent, > 0.
            hidden_norm: L2-normalise projections first.
            nt_xent: implementation, "auto", "dense" or "streaming".
            views: `RandomViews`, or a function of images [b, H, W, C] and
                positions int64 [b] that returns float32 [2b, S, S, C], row
                r + b being the second view of image r; None for
                `RandomViews()`.
            weight_decay: strength of an L2 loss on all that the optimizer
                does not decay itself, batch norm left out; None for that of
                `LARS` and `LAMB`, else 0.
            seed: of the order of arrays, and of views that have none.
            jit_compile: what XLA compiles, as `--jit`: "auto" for the views,
                True for the whole step on one device, False for nothing.
            run_eagerly: run op by op, for debugging.
            steps_per_execution: batches of one call, on one device.

        Raises:
            errors.UserError: if an argument is outside its range.
            ValueError: if `temperature` is not above 0.
        """
        chosen = objective.Objective(
            temperature=temperature,
            hidden_norm=hidden_norm,
            nt_xent=nt_xent,
            views=views,
            weight_decay=weight_decay,
            seed=seed,
            jit_compile=jit_compile,
        )
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=False,  # XLA compiles the parts that it speeds up
        )
        with self.distribute_strategy.scope():
            chosen.make_metrics(self)
        self._objective = chosen

    @property
    def metrics(self) -> list:
        """The means of an epoch: the loss, its parts, the accuracies."""
        if self._objective is None:
            return super().metrics
        return self._objective.metrics

    def get_compile_config(self) -> dict | None:
        """The arguments of `compile`; None before it."""
        if self._objective is None:
            return None
        return {
            **self._objective.settings,
            "optimizer": self.optimizer,
            "run_eagerly": self.run_eagerly,
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config: dict) -> None:
        """Compiles as a saved model was, and builds the optimizer."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self._build_optimizer()

    def fit(
        self,
        x: typing.Any = None,
        y: typing.Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: typing.Any = "auto",
        callbacks: typing.Any = None,
        *,
        validation_data: typing.Any = None,
        shuffle: bool = True,
        steps_per_epoch: int | None = None,
        **kwargs: typing.Any,
    ) -> keras.callbacks.History:
        """Trains by the contrastive loss.

        All batches have one size, since the images of a batch are compared
        with each other: an incomplete one is left out. Arrays come in the
        order of the command line, in which epochs follow each other without a
        gap; calling `fit` again goes on.

        Args:
            x: images, uint8 or float in [0, 1], [n, H, W, C]; or what
                `open_dataset` returns; or a `tf.data.Dataset` of batches of
                images, or of pairs of images and labels.
            y: labels of an array, integers [n], -1 for none.
            batch_size: of arrays, over all replicas; None for 256, or all of
                fewer.
            epochs: as in Keras.
            verbose: as in Keras.
            callbacks: as in Keras.
            validation_data: images, (images, labels) or a dataset, as x and y.
            shuffle: False takes arrays in their order.
            steps_per_epoch: None for all whole batches.
            **kwargs: `initial_epoch`, `validation_steps` and
                `validation_freq` of Keras.

        Returns:
            A Keras `History`: loss (the total), contrast_loss, contrast_acc,
            contrast_entropy, weight_decay, and with a classifier
            supervised_loss and supervised_acc.

        Raises:
            errors.UserError: if the data is not as above.
        """
        data, count = self._training_data(x, y, batch_size, shuffle)
        if validation_data is not None:
            parts = keras.utils.unpack_x_y_sample_weight(validation_data)
            validation_data = self._evaluation_data(*parts[:2], batch_size)
        with batches.ending_early():
            return super().fit(
                data,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation_data,
                steps_per_epoch=steps_per_epoch or count,
                shuffle=False,  # a dataset has its order
                **kwargs,
            )

    def evaluate(
        self,
        x: typing.Any = None,
        y: typing.Any = None,
        batch_size: int | None = None,
        verbose: typing.Any = "auto",
        **kwargs: typing.Any,
    ) -> typing.Any:
        """The loss and its metrics on other images, by moving statistics.

        The views are the same every time, and others than in training.

        Args:
            x: as in `fit`.
            y: as in `fit`.
            batch_size: as in `fit`; the loss depends on it.
            verbose: as in Keras.
            **kwargs: `steps`, `callbacks` and `return_dict` of Keras.
        """
        if "_use_cached_eval_dataset" not in kwargs:  # `fit` has made it
            x, y = self._evaluation_data(x, y, batch_size), None
        with batches.ending_early():
            return super().evaluate(x, y, verbose=verbose, **kwargs)

    def train_step(self, data: typing.Any) -> dict:
        """One step of one replica; see `training.steps.PretrainStep`."""
        batch = self._batch_of(data, step=self.optimizer.iterations)
        _, train = self._step_for(batch)
        return self._objective.report(train(batch))

    def test_step(self, data: typing.Any) -> dict:
        """The metrics of one batch, nothing being moved."""
        step = batches.EVALUATION_EPOCH + self._objective.num_batches
        batch = self._batch_of(data, step=step)
        measured, _ = self._step_for(batch)
        return self._objective.report(measured.measure(batch))

    def _step_for(self, batch):
        rows = batches.first_component(batch).shape[0]
        return self._objective.make_step(self, num_images=rows or 0)

    def _batch_of(self, data, *, step):
        """A batch as `training.steps` takes it, of what Keras passes."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(images, dict):
            batch = dict(images)
        else:
            images = batches.check_images(images)
            batch = {
                "images": images,
                "positions": batches.positions(images, step),
            }
            if labels is not None:
                batch["labels"] = labels
        labels = batch.pop("labels", None)
        if self.supervised_head is None:
            return batch
        if labels is None:
            raise errors.UserError(
                "y must be given for a model with num_classes, -1 for images "
                "without label; got none"
            )
        labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
        return batch | {"labels": labels}

    def _training_data(self, x, y, batch_size, shuffle):
        """Batches, and how many make an epoch; None for Keras to find out."""
        if isinstance(x, tf.data.Dataset):
            return self._given_batches(x, y, batch_size), None
        source = self._source(x, y)
        size = self._batch_size(source, batch_size)
        start = int(self.optimizer.iterations.numpy()) * size
        crops = self._crops(source)
        if not shuffle and crops is None:
            data = batches.unshuffled_batches(
                source, batch_size=size, start_position=start
            )
        else:
            data = batches.train_batches(
                source,
                batch_size=size,
                start_position=start,
                seed=self._objective.seed,
                crops=crops,
            )
        return data, source.num_examples // size

    def _evaluation_data(self, x, y, batch_size):
        if isinstance(x, tf.data.Dataset):
            return self._given_batches(x, y, batch_size)
        source = self._source(x, y)
        return batches.evaluation_batches(
            source,
            batch_size=self._batch_size(source, batch_size),
            seed=self._objective.seed,
            crops=self._crops(source),
        )

    def _given_batches(self, dataset, y, batch_size):
        if y is not None or batch_size is not None:
            raise errors.UserError(
                "y and batch_size must be None for a tf.data.Dataset, which "
                "has batches, and labels in pairs with images"
            )
        dataset = batches.of_one_size(dataset)
        spec = batches.first_component(dataset.element_spec)
        batches.check_divides(spec.shape[0], num_replicas=self._num_replicas)
        self.prepare(spec)
        return dataset

    def _source(self, x, y):
        self._check_compiled()
        source = batches.as_source(x, y)
        if isinstance(source, sources.ArraySource):
            self.prepare(tf.TensorSpec([None, *source.images.shape[1:]]))
        else:
            self.prepare(tf.TensorSpec([None, None, None, 3]))
        self._check_classes(source)
        return source

    def _crops(self, source):
        if isinstance(source, sources.ArraySource):
            return None
        return self._objective.make_crops()

    def _check_compiled(self):
        if self._objective is None:
            raise errors.UserError(
                "compile must be called before fit and evaluate: "
                "model.compile(optimizer)"
            )

    def _check_classes(self, source):
        if self.supervised_head is None or source.num_classes is None:
            return
        num_classes = self.supervised_head.num_classes
        if source.num_classes > num_classes:
            raise errors.UserError(
                f"y must be below num_classes={num_classes} of the model; got "
                f"{source.num_classes - 1}"
            )

    def _batch_size(self, source, batch_size):
        return batches.size_of(
            source, batch_size, num_replicas=self._num_replicas
        )

    @property
    def _num_replicas(self):
        return self.distribute_strategy.num_replicas_in_sync

    def prepare(self, images: tf.TensorSpec) -> None:
        """Builds model and optimizer for a kind of images.

        `fit` and `evaluate` do it; `train_on_batch` wants it done before.

        Args:
            images: shape [B, H, W, C] of what `fit` will be given.
        """
        self._check_compiled()
        if not self.built:
            shape = self._view_shape(images)
            with self.distribute_strategy.scope():
                self(tf.zeros([1, *shape]), training=False)
        self._build_optimizer()

    def _view_shape(self, images):
        """[S, S, C] of the views of such images."""
        rows = self._objective.views
        if isinstance(rows, keras.layers.Layer):
            shape = rows.compute_output_shape(tuple(images.shape))[1:]
        else:
            traced = tf.function(rows).get_concrete_function(
                tf.TensorSpec([1, *images.shape[1:]], tf.uint8),
                tf.TensorSpec([1], tf.int64),
            )
            shape = traced.structured_outputs.shape[1:]
        if None in tuple(shape):
            raise errors.UserError(
                "views must be of a known size: give RandomViews an "
                f"image_size; got views {tuple(shape)} of images {images.shape}"
            )
        return shape

    def _build_optimizer(self):
        if self.optimizer.built:
            return
        if isinstance(self.optimizer, layerwise.LayerwiseOptimizer):
            self.optimizer.exclude_also(self.supervised_variables)
        with self.distribute_strategy.scope():
            self.optimizer.build(self.trainable_variables)
