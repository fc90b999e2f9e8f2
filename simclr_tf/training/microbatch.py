"""The step of a large batch in the memory of a small one, exact.

The contrastive loss couples all images, but only through their projections.
So one pass makes the projections of all microbatches and keeps nothing else;
the loss gives the gradient of each projection; and a second pass takes the
microbatches through the network again, one at a time, and goes on from there.

Dimension letters: `b` images of one replica in `n` microbatches of `m` images
(b = n m), `S` image side, `P` projection.
"""

import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.losses import supervised
from simclr_tf.models import norm
from simclr_tf.training import steps


class MicrobatchedPretrainStep(steps.PretrainStep):
    """Moves the weights once on one batch, holding one microbatch at a time.

    Loss, negatives and gradient are those of the whole batch: with batch norm
    frozen the step is that of `steps.PretrainStep`. In training batch norm
    takes the statistics of each microbatch, whatever `sync_bn` is. Both
    passes see the same views. Everything moves once per step: the weights,
    the step count, the probe, and the moving statistics, by the mean over
    microbatches.

    Distribution: k replicas with microbatches of m take the step of one
    replica with microbatches of m.

    Source: Gao et al. 2021, "Scaling deep contrastive learning batch size
    under memory limited setup" (arXiv:2101.06983).
    """

    def __init__(self, state, *, microbatch_size, **options):
        """Holds what does not change from step to step.

        Args:
            state: a `TrainState`.
            microbatch_size: m, a divisor of a replica's batch.
            **options: as `steps.PretrainStep`.
        """
        super().__init__(state, **options)
        self._microbatch_size = microbatch_size

    def __call__(self, batch):
        """Takes one replica's batch; returns a dict of float32 scalars."""
        parts = split(batch, self._microbatch_size)  # each [n, m, ...]
        num_labelled = self._labelled_per_part(batch, count(parts))
        start = [tf.identity(variable) for variable in self._moving()]
        with norm.statistics_local():
            projections = self._project(parts)
        contrast, cotangents = self._differentiate(projections)
        with norm.statistics_local():
            probe, gradients, moved = self._accumulate(
                parts, cotangents, start, num_labelled
            )
        _assign(self._moving(), distribution.mean_over_replicas(moved))
        decayed = self._descend(gradients)
        return self._metrics(contrast, probe, decayed)

    def _moving(self):
        """The moving statistics, a list of variables."""
        variables = self._state.model.non_trainable_variables
        return [v for v in variables if tf.as_dtype(v.dtype).is_floating]

    def _project(self, parts):
        """First pass: the projections of all images, [2b, P]."""

        def body(index, rows):
            images = self._views_of(take(parts, index))  # [2m, S, S, 3]
            outputs = self._state.model(images, training=True)
            return index + 1, rows.write(index, outputs.projections)

        num_parts = count(parts)
        rows = tf.TensorArray(tf.float32, num_parts)
        _, rows = _loop(num_parts, body, rows)
        return join_views(rows.stack())

    def _differentiate(self, projections):
        """The loss, and its gradient by every projection, [2b, P]."""
        with tf.GradientTape() as tape:
            tape.watch(projections)
            contrast = self._contrast_of(projections)
            scaled = contrast.loss / distribution.num_replicas()
        return contrast, tape.gradient(scaled, projections)

    def _labelled_per_part(self, batch, num_parts):
        """Mean labelled images of the microbatches of all replicas.

        Replicas speak to each other here, outside the loop over microbatches.
        """
        if not self._probe_names:
            return None
        return supervised.labelled_per_replica(batch["labels"]) / num_parts

    def _accumulate(self, parts, cotangents, start, num_labelled):
        """Second pass, each microbatch from the same moving statistics.

        Args:
            parts: the microbatches.
            cotangents: gradients of the loss by the projections, [2b, P].
            start: the moving statistics before this step.
            num_labelled: of `_labelled_per_part`.

        Returns:
            Mean probe metrics; summed gradients, None where the loss does
            not reach; mean moving statistics.
        """
        num_parts = count(parts)
        cotangents = split_views(cotangents, num_parts)  # [n, 2m, P]
        variables = self._state.model.trainable_variables
        is_reached = {}

        def body(index, sums):
            _assign(self._moving(), start)
            probe, gradients = self._pull_back(
                take(parts, index),
                cotangents[index],
                share=1.0 / num_parts,
                num_labelled=num_labelled,
            )
            is_reached.update(enumerate(g is not None for g in gradients))
            moved = [tf.convert_to_tensor(v) for v in self._moving()]
            found = (probe, gradients, moved)
            return index + 1, tf.nest.map_structure(_add, sums, found)

        zeros = (
            dict.fromkeys(self._probe_names, tf.zeros([])),
            [tf.zeros(variable.shape) for variable in variables],
            [tf.zeros_like(value) for value in start],
        )
        _, (probe, gradients, moved) = _loop(num_parts, body, zeros)
        return (
            {name: total / num_parts for name, total in probe.items()},
            [g if is_reached[i] else None for i, g in enumerate(gradients)],
            [total / num_parts for total in moved],
        )

    def _pull_back(self, part, cotangent, *, share, num_labelled):
        """Probe metrics and gradients of one microbatch.

        Args:
            part: a batch of m images.
            cotangent: gradient of the loss by their projections, [2m, P].
            share: of the microbatch in the probe's mean.
            num_labelled: of `_labelled_per_part`.
        """
        images = self._views_of(part)  # [2m, S, S, 3]
        model = self._state.model
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            probe = steps.probe_metrics(
                outputs.logits, part, num_labelled=num_labelled
            )
            target = tf.reduce_sum(outputs.projections * cotangent)
            if probe:
                scale = share / distribution.num_replicas()
                target += scale * probe["supervised_loss"]
        return probe, tape.gradient(target, model.trainable_variables)

    def _descend(self, gradients):
        """Adds the weight decay, moves the weights; returns its loss."""
        variables = self._state.model.trainable_variables
        with tf.GradientTape() as tape:
            decayed = self._decay_loss()
            scaled = decayed / distribution.num_replicas()
        decays = tape.gradient(scaled, variables)
        totals = map(_add, gradients, decays)
        steps.apply(self._state.optimizer, list(totals), variables)
        return decayed


def split(batch, size):
    """Cuts every column of a batch, [b, ...], into [b / size, size, ...].

    Raises:
        ValueError: if `size` does not divide b.
    """
    num_rows = count(batch)
    if num_rows % size:
        raise ValueError(
            f"{size} must divide a replica's batch; got {num_rows}"
        )
    return {
        name: tf.reshape(column, [-1, size, *column.shape[1:]])
        for name, column in batch.items()
    }


def count(columns):
    """The common length of the first axis, a Python int."""
    return next(iter(columns.values())).shape[0]


def take(parts, index):
    """One microbatch of what `split` made."""
    return {name: column[index] for name, column in parts.items()}


def join_views(rows):
    """Rows by microbatch to rows of the batch, views apart either way.

    Args:
        rows: [n, 2m, P], in each microbatch view 1 above view 2.

    Returns:
        [2b, P], view 1 of all images above view 2.
    """
    num_parts, num_rows, width = rows.shape
    shape = [num_parts, 2, num_rows // 2, width]
    by_view = tf.transpose(tf.reshape(rows, shape), [1, 0, 2, 3])
    return tf.reshape(by_view, [num_parts * num_rows, width])  # [2b, P]


def split_views(rows, num_parts):
    """The inverse of `join_views`: [2b, P] to [n, 2m, P]."""
    num_rows, width = rows.shape
    shape = [2, num_parts, num_rows // num_parts // 2, width]
    by_part = tf.transpose(tf.reshape(rows, shape), [1, 0, 2, 3])
    return tf.reshape(by_part, [num_parts, num_rows // num_parts, width])


def _loop(num_parts, body, state):
    """Runs `body` by turns, never two at once: that is what saves memory."""
    return tf.while_loop(
        lambda index, _: index < num_parts,
        body,
        (tf.constant(0), state),
        parallel_iterations=1,
    )


def _add(total, more):
    """The sum of what is there; None is nothing."""
    if total is None or more is None:
        return more if total is None else total
    return total + more


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
