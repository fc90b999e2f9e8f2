"""When a run saves."""

import time

from absl import logging

from simclr_tf.config import derived

MIN_SAVE_SECS = 30.0
"""Between checkpoints whose number nobody set; an epoch may be a second."""


class Saver:
    """Saves at the plan's steps, but not many times a minute unasked."""

    def __init__(self, config, plan, checkpoints, lock, *, step):
        """Nothing is saved yet.

        Args:
            config: the run's `Config`.
            plan: its `plan_of_run.Plan`.
            checkpoints: its `checkpoint.Checkpoints`.
            lock: the `run_lock.RunLock` of its directory.
            step: that the run begins or goes on at.
        """
        self._total_steps = plan.total_steps
        self._is_asked = derived.is_checkpoint_cadence_set(config)
        self._checkpoints = checkpoints
        self._lock = lock
        self._saved_step = step
        self._last_secs = time.monotonic()

    def save_if_due(self, step):
        """Saves a step that is the last, asked for, or long after the last."""
        is_long_ago = time.monotonic() - self._last_secs >= MIN_SAVE_SECS
        if self._is_asked or is_long_ago or step == self._total_steps:
            self.save(step)

    def save(self, step):
        """Saves now, if the directory is still this run's own."""
        self._lock.check()
        self._checkpoints.save()
        self._saved_step = step
        self._last_secs = time.monotonic()

    def save_before_leaving(self, step):
        """Saves what an unreadable image ends, and says how to go on."""
        if step == self._saved_step:
            return
        self.save(step)
        logging.info(
            "saved at step %d, from which the same command goes on; with "
            "--accept_data_change if the folder then holds other files",
            step,
        )
