"""What one training step is when a student learns from a teacher.

Dimension letters: `b` images of one replica, `S` image side, `K` classes.
"""

import tensorflow as tf

from simclr_tf.losses import distillation, supervised
from simclr_tf.optim import decay
from simclr_tf.training import steps


class DistillStep:
    """Moves the student's weights once on one batch.

    The teacher sees the very views that the student sees. Images without
    label carry a negative one; only the teacher speaks for them.

    Source: Chen et al. 2020b, section 2 (self-training and distillation);
    official tf2/colabs/distillation_self_training.ipynb.
    """

    headline = ("distillation_loss", "teacher_agreement")
    """Agreement: share of images on which both favour the same class."""

    def __init__(
        self,
        state,
        *,
        teacher,
        views_of,
        temperature=1.0,
        alpha=1.0,
        is_labelled=False,
        weight_decay=0.0,
        decayed_variables=(),
    ):
        """Holds what does not change from step to step.

        Args:
            state: a `TrainState`, of the student.
            teacher: maps float32 [b, S, S, 3] to logits [b, K] in inference:
                no batch statistics, nothing that moves.
            views_of: maps a batch to float32 [b, S, S, 3], one view each.
            temperature: of both outputs, > 0.
            alpha: weight of the teacher against the labels, in [0, 1].
            is_labelled: whether batches have "labels", -1 for no label.
            weight_decay: strength of the L2 loss on `decayed_variables`.
            decayed_variables: what the L2 loss covers.

        Raises:
            ValueError: if labels have weight and there are none.
        """
        if alpha < 1 and not is_labelled:
            raise ValueError(f"alpha must be 1 without labels; got {alpha}")
        self._state = state
        self._teacher = teacher
        self._views_of = views_of
        self._temperature = temperature
        self._alpha = alpha
        self._is_labelled = is_labelled
        self._weight_decay = weight_decay
        self._decayed_variables = tuple(decayed_variables)

    @property
    def metric_names(self):
        """The keys of what a call returns."""
        probe = ("supervised_loss", "supervised_acc")
        return (
            *self.headline,
            *(probe if self._is_labelled else ()),
            "weight_decay",
            "total_loss",
        )

    def __call__(self, batch):
        """Takes one replica's batch; returns a dict of float32 scalars."""
        images = self._views_of(batch)  # [b, S, S, 3]
        teacher_logits = tf.stop_gradient(self._teacher(images))  # [b, K]
        labels = batch["labels"] if self._is_labelled else None

        def losses():
            outputs = self._state.model(images, training=True)
            return self._losses(outputs.logits, teacher_logits, labels)

        variables = self._state.model.trainable_variables
        return steps.descend(self._state.optimizer, losses, variables)

    def _losses(self, logits, teacher_logits, labels):
        found = distillation.distillation(
            logits,
            teacher_logits,
            labels,
            temperature=self._temperature,
            alpha=self._alpha,
        )
        decayed = self._weight_decay * decay.l2_loss(self._decayed_variables)
        favourites = tf.argmax(teacher_logits, axis=1)
        metrics = {
            "distillation_loss": found.distilled,
            "teacher_agreement": supervised.top_k_accuracy(logits, favourites),
            "weight_decay": decayed,
            "total_loss": found.loss + decayed,
        }
        if labels is not None:
            metrics["supervised_loss"] = found.supervised
            metrics["supervised_acc"] = supervised.top_k_accuracy(
                logits,
                labels,
                num_labelled=supervised.labelled_per_replica(labels),
            )
        return metrics
