"""TensorBoard's event files of a run that goes on from an earlier step."""

import os
import time

import tensorflow as tf

from simclr_tf import files

_MARK = "tfevents"  # in the name of every event file
_TEMPORARY = "events.tmp"  # without the mark: TensorBoard may be looking


def trim(directory, *, last_step):
    """Drops from event files what lies beyond a step.

    TensorBoard, and any other reader, then sees one history. A file that
    holds nothing later is not touched.

    Args:
        directory: the run's `model_dir`; its folders are not looked at.
        last_step: the step the run goes on from.
    """
    if not tf.io.gfile.exists(directory):
        return
    for name in tf.io.gfile.listdir(directory):
        path = os.path.join(directory, name)
        if _MARK not in name or tf.io.gfile.isdir(path):
            continue
        records = _read(path)
        kept = [each for each in records if _summary_step(each) <= last_step]
        if len(kept) < len(records):
            _write(path, kept)


def tell_of_restart(events, *, first_step):
    """Tells a TensorBoard that is open now to forget what it has read.

    Args:
        events: a `tf.summary.SummaryWriter`, nothing written yet. The note
            must lie in the file of what follows: which of two files of one
            second is read first is not certain.
        first_step: the first step to forget. The first note of a directory
            has no effect, so a new run needs one as well.

    Source: `_CheckForRestartAndMaybePurge` of TensorBoard's
    plugin_event_accumulator.py.
    """
    start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
    note = tf.compat.v1.Event(
        wall_time=time.time(), step=first_step, session_log=start
    )
    tf.raw_ops.ImportEvent(
        writer=events._resource,  # no public way leads to this file
        event=note.SerializeToString(),
    )


def _summary_step(record):
    """The step of serialized summaries; -1 for other events."""
    event = tf.compat.v1.Event.FromString(record)
    return event.step if event.HasField("summary") else -1


def _read(path):
    """Serialized events up to where a kill or damage ends the file."""
    records = []
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            records.append(record)
    except tf.errors.DataLossError:
        pass  # TensorBoard reads no further either
    return records


def _write(path, records):
    temporary = os.path.join(os.path.dirname(path), _TEMPORARY)
    with tf.io.TFRecordWriter(temporary) as file:
        for record in records:
            file.write(record)
    files.to_disk(temporary)
    tf.io.gfile.rename(temporary, path, overwrite=True)
