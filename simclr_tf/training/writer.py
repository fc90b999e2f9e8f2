"""Where metrics go: `metrics.jsonl` and TensorBoard."""

import json
import math
import os

import tensorflow as tf

from simclr_tf import files
from simclr_tf.training import event_files

METRICS_FILE = "metrics.jsonl"


class MetricsWriter:
    """Appends scalars to `metrics.jsonl` and to TensorBoard events.

    After a resume, lines and events beyond the restored step are dropped, so
    both always tell one history.

    Attributes:
        latest: dict of tag -> the value that was written last.
    """

    def __init__(self, directory, *, start_step=0):
        """Opens the files.

        Args:
            directory: the run's `model_dir`.
            start_step: the step the run starts or resumes at.
        """
        self.latest = {}
        self._path = os.path.join(directory, METRICS_FILE)
        event_files.trim(directory, last_step=start_step)
        self._events = tf.summary.create_file_writer(directory)
        event_files.tell_of_restart(self._events, first_step=start_step + 1)
        kept = [
            line
            for line in read_lines(self._path)
            if -1 < step_of(line) <= start_step
        ]
        files.write_text(self._path, "".join(kept))

    def scalars(self, step, values):
        """Writes one line and one event per value.

        Args:
            step: the global step.
            values: dict of tag -> float; a NaN becomes null in the file.
        """
        self.latest |= values
        row = {"step": step} | {
            tag: value if math.isfinite(value) else None
            for tag, value in values.items()
        }
        with tf.io.gfile.GFile(self._path, "a") as file:
            file.write(json.dumps(row) + "\n")
        with self._events.as_default(step=step):
            for tag, value in values.items():
                tf.summary.scalar(tag, value)
        self._events.flush()

    def images(self, step, tag, images):
        """Writes float32 [n, H, W, 3] images in [0, 1] to TensorBoard."""
        with self._events.as_default(step=step):
            tf.summary.image(tag, images, max_outputs=len(images))
        self._events.flush()

    def close(self):
        """Flushes and closes the event file."""
        self._events.close()


def write_events(directory, step, values):
    """Adds scalars to TensorBoard from outside a training loop.

    Args:
        directory: the run's `model_dir`.
        step: the global step.
        values: dict of tag -> float.
    """
    events = tf.summary.create_file_writer(directory)
    with events.as_default(step=step):
        for tag, value in values.items():
            tf.summary.scalar(tag, value)
    events.close()


def last_values(directory):
    """The last value of every metric of a run.

    Args:
        directory: the run's `model_dir`.

    Returns:
        dict of tag -> float; NaN for what was not finite.
    """
    latest = {}
    for line in read_lines(os.path.join(directory, METRICS_FILE)):
        latest |= _record(line)
    latest.pop("step", None)
    return {k: math.nan if v is None else v for k, v in latest.items()}


def step_of(line):
    """The step of a line of metrics; -1 for one that is damaged."""
    return _record(line).get("step", -1)


def _record(line):
    """What a line of metrics holds; {} for one that is damaged."""
    try:
        record = json.loads(line)
        is_whole = isinstance(record["step"], int) and record["step"] > -1
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return record if is_whole else {}


def read_lines(path):
    """Whole lines of a text file; none if it does not exist.

    A line cut short by a kill has no newline and is left out.
    """
    if not tf.io.gfile.exists(path):
        return []
    with tf.io.gfile.GFile(path, "rb") as file:
        # A power failure may leave zeros, or worse.
        text = file.read().decode("utf-8", "replace")
    return [line for line in text.splitlines(True) if line.endswith("\n")]
