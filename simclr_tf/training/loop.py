"""The one training loop."""

import math
import time
import typing

import tensorflow as tf

from simclr_tf import errors

SECS_PER_CALL = 2.0
"""Seconds of work per graph call: short enough to report and to stop soon."""


class Event(typing.NamedTuple):
    """Something that happens at every multiple of `every_steps`, and last.

    Attributes:
        every_steps: >= 1.
        action: called with the step reached.
    """

    every_steps: int
    action: typing.Callable[[int], None]


def make_train_call(step_fn, strategy, *, metric_names):
    """Returns a graph function running several steps and averaging metrics.

    The number of steps is a tensor, so one trace serves every call. A batch
    that cannot be read leaves what the steps before it made: none of them is
    half applied, and the next has not begun.

    Args:
        step_fn: one replica's batch -> dict of float32 scalars.
        strategy: the `tf.distribute` strategy.
        metric_names: the keys of what `step_fn` returns.

    Returns:
        `call(iterator, num_steps)` -> dict of means over steps and replicas.
    """

    @tf.function(reduce_retracing=True)
    def call(iterator, num_steps):
        sums = {name: tf.zeros([]) for name in metric_names}
        for _ in tf.range(num_steps):
            with tf.control_dependencies(list(sums.values())):
                batch = next(iterator)
            metrics = _whole_step(step_fn, strategy, batch)
            sums = {name: sums[name] + metrics[name] for name in sums}
        scale = 1.0 / tf.cast(num_steps, tf.float32)
        return {name: total * scale for name, total in sums.items()}

    return call


def _whole_step(step_fn, strategy, batch):
    """`one_step` that begins with its batch at hand, and ends before metrics.

    Without it steps overlap: the count of steps is moved while the batch is
    waited for.
    """
    graph = tf.compat.v1.get_default_graph()
    num_before = len(graph.get_operations())
    tensors = tf.nest.flatten(batch, expand_composites=True)
    with tf.control_dependencies(tensors):
        metrics = one_step(step_fn, strategy, batch)
    made = graph.get_operations()[num_before:]
    with tf.control_dependencies([op for op in made if op.op_def.is_stateful]):
        return {name: tf.identity(value) for name, value in metrics.items()}


def one_step(step_fn, strategy, batch):
    """Runs a step on every replica; returns the means of its metrics."""
    # AutoGraph would take seconds to read what has no tensors to branch on.
    step_fn = tf.autograph.experimental.do_not_convert(step_fn)
    per_replica = strategy.run(step_fn, args=(batch,))
    return {
        name: strategy.reduce("MEAN", value, axis=None)
        for name, value in per_replica.items()
    }


def train(
    state,
    *,
    call,
    iterator,
    total_steps,
    events=(),
    report=lambda step, num_steps, metrics: None,
    should_stop=lambda: False,
    steps_per_call=0,
):
    """Runs from `state.step` to exactly `total_steps`.

    Args:
        state: a `TrainState`.
        call: from `make_train_call`.
        iterator: batches, the first one being that of `state.step`.
        total_steps: the step to end at; never overshot.
        events: `Event`s; none is stepped over.
        report: called after each call with the step reached, how many steps
            it made, and their mean metrics as floats.
        should_stop: asked after each call; True ends the loop early.
        steps_per_call: fixed number of steps per graph call; 0 chooses it
            from the measured speed, about `SECS_PER_CALL` seconds of work.

    Returns:
        The step reached.

    Raises:
        errors.UserError: if a metric is not finite; nothing is saved then.
        RuntimeError: if the step count did not move as asked.
    """
    step, planned = state.step, 1
    while step < total_steps and not should_stop():
        num_steps = min(planned, steps_to_next(step, total_steps, events))
        started = time.monotonic()
        metrics = call(iterator, tf.constant(num_steps))
        metrics = {name: float(value) for name, value in metrics.items()}
        elapsed = time.monotonic() - started
        step += num_steps
        if state.step != step:
            raise RuntimeError(f"step is {state.step}, expected {step}")
        check_finite(step, metrics)
        report(step, num_steps, metrics)
        for event in events:
            if step % event.every_steps == 0 or step == total_steps:
                event.action(step)
        planned = steps_per_call or next_call_steps(num_steps, elapsed)
    return step


def check_finite(step, metrics):
    """Raises `DivergenceError` naming the first metric that is not finite."""
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise errors.DivergenceError(
                f"training must stay finite; by step {step} {name} is "
                f"{value}; a lower learning_rate or a longer warm-up may help"
            )


def steps_to_next(step, total_steps, events):
    """Steps from `step` to the nearest event or the end, at least 1."""
    stops = [event.every_steps - step % event.every_steps for event in events]
    return min([total_steps - step, *stops])


def next_call_steps(num_steps, elapsed_secs):
    """How many steps fill `SECS_PER_CALL`, growing at most eightfold."""
    fitting = int(SECS_PER_CALL * num_steps / max(elapsed_secs, 1e-6))
    return max(1, min(fitting, 8 * num_steps))
