"""What one pretraining step is.

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
    trains the probe alone, since the model stops its gradient. Each replica
    differentiates its total divided by the replica count and the optimizer
    sums gradients, so k replicas take exactly the step of one.

    Source: Chen et al. 2020a, Algorithm 1; official tf2/run.py.
    """

    def __init__(
        self,
        state,
        *,
        views_of,
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
            temperature: of NT-Xent, > 0.
            hidden_norm: L2-normalise projections first.
            weight_decay: strength of the L2 loss on `decayed_variables`.
            decayed_variables: what the L2 loss covers; what the optimizer
                decays by itself is not in it.
        """
        self._state = state
        self._views_of = views_of
        self._temperature = temperature
        self._hidden_norm = hidden_norm
        self._weight_decay = weight_decay
        self._decayed_variables = tuple(decayed_variables)

    @property
    def metric_names(self):
        """The keys of what a call returns."""
        probe = ("supervised_loss", "supervised_acc")
        return (
            "contrast_loss",
            "contrast_acc",
            "contrast_entropy",
            *(probe if self._state.model.supervised_head else ()),
            "weight_decay",
            "total_loss",
        )

    def __call__(self, batch):
        """Takes one replica's batch; returns a dict of float32 scalars."""
        variables = self._state.model.trainable_variables
        images = self._views_of(batch)  # [2b, S, S, 3]
        with tf.GradientTape() as tape:
            outputs = self._state.model(images, training=True)
            metrics = self._losses(outputs, batch)
            scaled = metrics["total_loss"] / distribution.num_replicas()
        gradients = tape.gradient(scaled, variables)
        self._state.optimizer.apply(gradients, variables)
        return metrics

    def _losses(self, outputs, batch):
        contrast = ntxent.nt_xent(
            outputs.projections,
            temperature=self._temperature,
            normalize=self._hidden_norm,
        )
        probe = probe_metrics(outputs.logits, batch)
        decayed = self._weight_decay * decay.l2_loss(self._decayed_variables)
        total = contrast.loss + probe.get("supervised_loss", 0.0) + decayed
        return {
            "contrast_loss": contrast.loss,
            "contrast_acc": ntxent.contrastive_accuracy(contrast),
            "contrast_entropy": ntxent.contrastive_entropy(contrast),
            **probe,
            "weight_decay": decayed,
            "total_loss": total,
        }


def probe_metrics(logits, batch):
    """Loss and accuracy of the online probe over both views of each image.

    Args:
        logits: float32 [2b, K], or None without a probe.
        batch: with "labels" int32 [b] where there is a probe.

    Returns:
        dict of float32 scalars, empty without a probe.
    """
    if logits is None:
        return {}
    labels = tf.tile(batch["labels"], [2])  # [2b]
    return {
        "supervised_loss": supervised.cross_entropy(logits, labels),
        "supervised_acc": supervised.top_k_accuracy(logits, labels, k=1),
    }
