"""What one training step is: of pretraining, and of fine-tuning.

Each replica differentiates its total loss divided by the replica count and the
optimizer sums gradients, so k replicas take exactly the step of one.

Dimension letters: `b` images of one replica (2b rows, view 1 above view 2),
`S` image side, `P` projection, `K` classes.
"""

import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.losses import ntxent, supervised
from simclr_tf.optim import decay


class PretrainStep:
    """Moves the weights once on one batch.

    The total is contrastive + supervised + weight decay; the supervised part
    trains the probe alone, since the model stops its gradient.

    Source: Chen et al. 2020a, Algorithm 1; official tf2/run.py.
    """

    headline = ("contrast_loss", "contrast_acc")
    """The metrics that the step is known by: a loss, and an accuracy."""

    def __init__(
        self,
        state,
        *,
        views_of,
        contrast=ntxent.nt_xent,
        temperature=0.1,
        hidden_norm=True,
        weight_decay=0.0,
        decayed_variables=(),
    ):
        """Holds what does not change from step to step.

        Args:
            state: a `TrainState`.
            views_of: maps a batch to float32 [2b, S, S, 3], rows r and r + b
                being the views of image r.
            contrast: the loss, `ntxent.nt_xent` or
                `ntxent_streaming.nt_xent_streaming`.
            temperature: of NT-Xent, > 0.
            hidden_norm: L2-normalise projections first.
            weight_decay: strength of the L2 loss on `decayed_variables`.
            decayed_variables: what the L2 loss covers; what the optimizer
                decays by itself is not in it.
        """
        self._state = state
        self._views_of = views_of
        self._contrast = contrast
        self._temperature = temperature
        self._hidden_norm = hidden_norm
        self._weight_decay = weight_decay
        self._decayed_variables = tuple(decayed_variables)

    @property
    def metric_names(self):
        """The keys of what a call returns."""
        return (
            "contrast_loss",
            "contrast_acc",
            "contrast_entropy",
            *self._probe_names,
            "weight_decay",
            "total_loss",
        )

    @property
    def _probe_names(self):
        if self._state.model.supervised_head is None:
            return ()
        return ("supervised_loss", "supervised_acc")

    def __call__(self, batch):
        """Takes one replica's batch; returns a dict of float32 scalars."""
        images = self._views_of(batch)  # [2b, S, S, 3]

        def losses():
            outputs = self._state.model(images, training=True)
            return self._losses(outputs, batch)

        variables = self._state.model.trainable_variables
        return descend(self._state.optimizer, losses, variables)

    def measure(self, batch):
        """What a call returns, of a batch that moves nothing.

        Batch norm is by its moving statistics.
        """
        images = self._views_of(batch)  # [2b, S, S, 3]
        return self._losses(self._state.model(images, training=False), batch)

    def _losses(self, outputs, batch):
        contrast = self._contrast_of(outputs.projections)
        probe = probe_metrics(outputs.logits, batch)
        return self._metrics(contrast, probe, self._decay_loss())

    def _contrast_of(self, projections):
        return self._contrast(
            projections,
            temperature=self._temperature,
            normalize=self._hidden_norm,
        )

    def _decay_loss(self):
        return self._weight_decay * decay.l2_loss(self._decayed_variables)

    def _metrics(self, contrast, probe, decayed):
        """What a step reports; the keys are `metric_names`."""
        total = contrast.loss + probe.get("supervised_loss", 0.0) + decayed
        return {
            "contrast_loss": contrast.loss,
            "contrast_acc": contrast.accuracy,
            "contrast_entropy": contrast.entropy,
            **probe,
            "weight_decay": decayed,
            "total_loss": total,
        }


class FinetuneStep:
    """Moves the weights once on one labelled batch, by cross-entropy alone.

    Images without label are left out of loss and accuracy. They do pass
    through the network, and so have a part in the statistics of batch norm.

    The model's classifier reads what `ft_proj_selector` says, and its gradient
    goes on into the encoder (`probe_stop_gradient=False`).

    Source: Chen et al. 2020b, section 2 (fine-tuning); official tf2/run.py.
    """

    headline = ("supervised_loss", "supervised_acc")
    metric_names = (*headline, "weight_decay", "total_loss")

    def __init__(
        self,
        state,
        *,
        views_of,
        criterion=supervised.one_class,
        weight_decay=0.0,
        decayed_variables=(),
    ):
        """Holds what does not change from step to step.

        Args:
            state: a `TrainState`.
            views_of: maps a batch to float32 [b, S, S, 3], one view each.
            criterion: maps logits and labels to a loss and an accuracy,
                `supervised.one_class` or `supervised.several_classes`.
            weight_decay: strength of the L2 loss on `decayed_variables`.
            decayed_variables: what the L2 loss covers.
        """
        self._state = state
        self._views_of = views_of
        self._criterion = criterion
        self._weight_decay = weight_decay
        self._decayed_variables = tuple(decayed_variables)

    def __call__(self, batch):
        """Takes one replica's batch; returns a dict of float32 scalars."""
        images = self._views_of(batch)  # [b, S, S, 3]

        def losses():
            outputs = self._state.model(images, training=True)
            return self._losses(outputs.logits, batch["labels"])

        variables = self._state.model.trainable_variables
        return descend(self._state.optimizer, losses, variables)

    def _losses(self, logits, labels):
        loss, accuracy = self._criterion(logits, labels)
        decayed = self._weight_decay * decay.l2_loss(self._decayed_variables)
        return {
            "supervised_loss": loss,
            "supervised_acc": accuracy,
            "weight_decay": decayed,
            "total_loss": loss + decayed,
        }


def descend(optimizer, losses, variables):
    """One update against the gradient of the total loss.

    Args:
        optimizer: a Keras optimizer built on `variables` or more.
        losses: a zero-argument callable giving a dict of float32 scalars, of
            which "total_loss" is differentiated.
        variables: what moves; those that the loss does not reach stay.

    Returns:
        The dict.
    """
    with tf.GradientTape() as tape:
        metrics = losses()
        scaled = metrics["total_loss"] / distribution.num_replicas()
    apply(optimizer, tape.gradient(scaled, variables), variables)
    return metrics


def apply(optimizer, gradients, variables):
    """One update of the variables that have a gradient.

    Args:
        optimizer: a Keras optimizer built on `variables` or more.
        gradients: of this replica, None where the loss does not reach.
        variables: as many.
    """
    reached = [
        (gradient, variable)
        for gradient, variable in zip(gradients, variables, strict=True)
        if gradient is not None
    ]
    optimizer.apply(*zip(*reached, strict=True))


def probe_metrics(logits, batch, *, num_labelled=None):
    """Loss and accuracy of the online probe over both views of each image.

    Args:
        logits: float32 [2b, K], or None without a probe.
        batch: with "labels" int32 [b] where there is a probe, negative for
            images without label, which are left out.
        num_labelled: images that sums are divided by; None for
            `supervised.labelled_per_replica` of the batch.

    Returns:
        dict of float32 scalars, empty without a probe. Their means over
        replicas are those over the labelled images of all; 0 where no image
        of the batch has a label.
    """
    if logits is None:
        return {}
    labels = tf.tile(batch["labels"], [2])  # [2b]
    if num_labelled is not None:
        num_labelled = 2.0 * num_labelled
    loss, accuracy = supervised.one_class(
        logits, labels, num_labelled=num_labelled
    )
    return {"supervised_loss": loss, "supervised_acc": accuracy}
