"""What a person sees while training: a bar on a terminal, lines elsewhere."""

import math
import sys
import time

import tqdm
from absl import logging


class Progress:
    """Averages metrics between reports and shows and writes them.

    Attributes:
        seconds: wall-clock seconds since the first call.
    """

    def __init__(
        self, *, total_steps, start_step, batch_size, headline, chance_loss
    ):
        """Starts the clock.

        Args:
            total_steps: the step training ends at.
            start_step: the step it starts at.
            batch_size: images per step, all replicas.
            headline: names of the loss and the accuracy to show.
            chance_loss: the loss when nothing is told apart.
        """
        self._total_steps = total_steps
        self._batch_size = batch_size
        self._loss, self._accuracy = headline
        self._chance_loss = chance_loss
        self._started = self._shown_at = time.monotonic()
        self._num_shown = 0
        self._is_speed_told = False
        self._sums, self._count = {}, 0
        self._bar = tqdm.tqdm(
            total=total_steps,
            initial=start_step,
            unit="step",
            disable=not sys.stderr.isatty(),
        )

    @property
    def seconds(self):
        """Wall-clock seconds since construction."""
        return time.monotonic() - self._started

    def add(self, step, num_steps, metrics):
        """Takes the mean metrics of the last `num_steps` steps."""
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * num_steps
        self._count += num_steps
        self._bar.update(step - self._bar.n)

    def is_due(self, step, every_secs):
        """Whether a line should be shown: the first, the last, by the clock."""
        waited = time.monotonic() - self._shown_at
        is_last = step == self._total_steps
        return not self._num_shown or is_last or waited >= every_secs

    def take(self, step, learning_rate):
        """Shows a line and returns the means since the last one.

        Args:
            step: the step reached.
            learning_rate: the rate at this step.

        Returns:
            dict of metric name -> mean, with `images_per_sec`.
        """
        means = {k: v / self._count for k, v in self._sums.items()}
        means["images_per_sec"] = self._speed()
        self._show(step, means, learning_rate)
        self._sums, self._count = {}, 0
        self._shown_at = time.monotonic()
        self._num_shown += 1
        return means

    def tell_first_speed(self, step):
        """Shows, once, how long the rest will take, beside the other lines.

        The first call compiles: its time says nothing. The second one's does.

        Args:
            step: the step reached.
        """
        if self._is_speed_told or not self._num_shown:
            return
        self._is_speed_told = True
        self._write(f"step {step}/{self._total_steps}{self._left(step)}")

    def close(self):
        """Ends the bar."""
        self._bar.close()

    def _show(self, step, means, learning_rate):
        line = (
            f"step {step}/{self._total_steps}"
            f"  loss {means[self._loss]:.3f}"
            f" (chance {self._chance_loss:.3f})"
            f"  {self._accuracy} {means[self._accuracy]:.3f}"
            f"  lr {learning_rate:.4g}"
        )
        if self._num_shown:  # else it is the time of compiling
            self._is_speed_told = True
            line += self._left(step)
        self._write(line)

    def _speed(self):
        """Images per second since the last line."""
        waited = time.monotonic() - self._shown_at
        return self._count * self._batch_size / max(waited, 1e-9)

    def _left(self, step):
        """The speed, and how long the rest takes at it."""
        rate = self._speed()
        left = (self._total_steps - step) * self._batch_size / rate
        return f"  {rate:.0f} images/s  ETA {format_secs(left)}"

    def _write(self, line):
        if self._bar.disable:
            logging.info(line)
        else:
            self._bar.set_postfix_str(line.split("  ", 1)[1])


def format_secs(seconds):
    """`75` -> `1:15`, `3675` -> `1:01:15`; `?` where not finite."""
    if not math.isfinite(seconds):
        return "?"
    minutes, secs = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{secs:02d}"
    return f"{minutes}:{secs:02d}"
