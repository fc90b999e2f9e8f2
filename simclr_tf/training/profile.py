"""Where the time goes: waiting for input, and a trace for TensorBoard."""

import contextlib
import time

import tensorflow as tf

from simclr_tf.training import loop

INPUT_WAIT = "input_wait_share"
WARM_UP_STEPS = 2  # the first one is traced and compiled, the second settles
TRACED_STEPS = 3


class ProfiledCall:
    """What `loop.make_train_call` returns, but timed step by step.

    Each step is a call of its own and is waited for before the next batch is
    asked for, so what is counted as waiting is time in which nothing else
    happens. Small steps are a little slower for it than without.

    Distribution: as `loop.make_train_call`.
    """

    def __init__(self, step_fn, strategy, *, metric_names, directory):
        """Nothing runs yet.

        Args:
            step_fn: one replica's batch -> dict of float32 scalars.
            strategy: the `tf.distribute` strategy.
            metric_names: the keys of what `step_fn` returns.
            directory: where the trace goes.
        """

        @tf.function(reduce_retracing=True)
        def step(batch):
            return loop.one_step(step_fn, strategy, batch)

        self._step = step
        self._metric_names = metric_names
        self._directory = directory
        self._done = 0
        self._waited, self._elapsed = 0.0, 0.0  # secs, after the warm-up
        self._is_tracing = False

    def __call__(self, iterator, num_steps):
        """Runs several steps.

        Args:
            iterator: of batches.
            num_steps: integer [].

        Returns:
            dict of mean metrics, floats, with `INPUT_WAIT`, the share of the
            time spent waiting for batches, in [0, 1].
        """
        num_steps = int(num_steps)
        sums = dict.fromkeys(self._metric_names, 0.0)
        waited, elapsed = 0.0, 0.0
        for _ in range(num_steps):
            metrics, wait_secs, secs = self._timed_step(iterator)
            sums = {name: sums[name] + metrics[name] for name in sums}
            waited += wait_secs
            elapsed += secs
        means = {name: total / num_steps for name, total in sums.items()}
        return means | {INPUT_WAIT: waited / elapsed}

    @property
    def input_wait_share(self):
        """Share of the time after the first two steps; None before."""
        return self._waited / self._elapsed if self._elapsed else None

    def close(self):
        """Ends the trace.

        Returns:
            One line telling what was found.
        """
        self._stop_tracing()
        share = self.input_wait_share
        if share is None:
            return f"profile: none, as it needs over {WARM_UP_STEPS} steps"
        return (
            f"profile: {share:.1%} of the time was spent waiting for input; "
            f"trace for TensorBoard in {self._directory}"
        )

    def _timed_step(self, iterator):
        """One step: its metrics, seconds waited, and seconds in all."""
        if self._done == WARM_UP_STEPS:
            tf.profiler.experimental.start(self._directory)
            self._is_tracing = True
        with self._marked():
            started = time.perf_counter()
            batch = next(iterator)
            arrived = time.perf_counter()
            metrics = {k: float(v) for k, v in self._step(batch).items()}
            tf.test.experimental.sync_devices()
            ended = time.perf_counter()
        if self._done >= WARM_UP_STEPS:
            self._waited += arrived - started
            self._elapsed += ended - started
        self._done += 1
        if self._done == WARM_UP_STEPS + TRACED_STEPS:
            self._stop_tracing()
        return metrics, arrived - started, ended - started

    def _marked(self):
        """Shows TensorBoard where a step begins and ends."""
        if not self._is_tracing:
            return contextlib.nullcontext()
        return tf.profiler.experimental.Trace(
            "train", step_num=self._done, _r=1
        )

    def _stop_tracing(self):
        if self._is_tracing:
            tf.profiler.experimental.stop()
        self._is_tracing = False
