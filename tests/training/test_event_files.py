import glob
import math
import os
import signal
import subprocess
import sys
import time

import command_line
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing import (
    event_accumulator,
    plugin_event_accumulator,
)

from simclr_tf.training import event_files, writer

READERS = {
    "scripts": event_accumulator.EventAccumulator,
    "tensorboard": plugin_event_accumulator.EventAccumulator,
}


@pytest.fixture(params=READERS)
def reader(request, tmp_path):
    """What reads the events of `tmp_path`."""
    return READERS[request.param](str(tmp_path), size_guidance={"tensors": 0})


def curve(reader, tag):
    """Pairs of step and value, as they are shown after another look."""
    reader.Reload()
    return [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in reader.Tensors(tag)
    ]


def wait_for_next_second():
    """Readers order files by the second, then by a number without zeros."""
    time.sleep(math.ceil(time.time()) - time.time())


def train(directory, steps, value, *, start_step=0):
    """A run that is killed: what it opens is never closed."""
    wait_for_next_second()
    out = writer.MetricsWriter(str(directory), start_step=start_step)
    for step in steps:
        out.scalars(step, {"x": value})


def score(directory, step, value):
    """An evaluation of a run."""
    wait_for_next_second()
    writer.write_events(str(directory), step, {"eval/x": value})


def test_curves_of_a_killed_run_do_not_go_back_in_time(tmp_path, reader):
    train(tmp_path, (50, 60, 70), 0.0)
    score(tmp_path, 70, 0.0)
    train(tmp_path, (), 0.0, start_step=60)  # killed before its first line
    train(tmp_path, (61, 71), 1.0, start_step=60)
    score(tmp_path, 71, 1.0)
    assert curve(reader, "x") == [(50, 0.0), (60, 0.0), (61, 1.0), (71, 1.0)]
    assert curve(reader, "eval/x") == [(71, 1.0)]


def test_a_run_that_starts_over_leaves_nothing_behind(tmp_path, reader):
    train(tmp_path, (5, 7), 0.0)
    train(tmp_path, (6,), 1.0)
    assert curve(reader, "x") == [(6, 1.0)]


def test_an_open_tensorboard_forgets(tmp_path):
    reader = READERS["tensorboard"](str(tmp_path))
    train(tmp_path, (50, 60, 70), 0.0)
    assert len(curve(reader, "x")) == 3
    train(tmp_path, (61, 71), 1.0, start_step=60)
    assert curve(reader, "x") == [(50, 0.0), (60, 0.0), (61, 1.0), (71, 1.0)]


def test_a_torn_file_keeps_what_can_be_read(tmp_path, reader):
    train(tmp_path, (50, 60, 70), 0.0)
    for path in glob.glob(f"{tmp_path}/*tfevents*"):
        with open(path, "ab") as file:
            file.write(b"\x18\0\0\0torn")
    train(tmp_path, (61,), 1.0, start_step=60)
    assert curve(reader, "x") == [(50, 0.0), (60, 0.0), (61, 1.0)]


def test_files_without_later_steps_are_not_touched(tmp_path):
    train(tmp_path, (50,), 0.0)
    paths = glob.glob(f"{tmp_path}/*tfevents*")
    former = [os.stat(path).st_ino for path in paths]
    os.makedirs(f"{tmp_path}/tfevents.folder")
    event_files.trim(str(tmp_path), last_step=50)
    assert [os.stat(path).st_ino for path in paths] == former
    event_files.trim(f"{tmp_path}/absent", last_step=50)


def kill_after(step, arguments, directory):
    """Runs the program until its metrics have reached a step."""
    process = subprocess.Popen(
        [sys.executable, "-m", "simclr_tf", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    path = f"{directory}/{writer.METRICS_FILE}"
    while process.poll() is None:
        reached = map(writer.step_of, writer.read_lines(path))
        if max(reached, default=0) >= step:
            process.kill()
            break
        time.sleep(0.01)
    said = process.communicate()[1].decode()
    assert process.returncode == -signal.SIGKILL, said


@pytest.mark.slow
def test_kill_and_resume(tmp_path, reader):
    arguments = (
        *command_line.TINY,
        f"--model_dir={tmp_path}",
        "--train_steps=200",
        "--checkpoint_steps=50",
        "--steps_per_loop=1",
        "--log_every_secs=0",
    )
    kill_after(75, arguments, tmp_path)
    outcome = command_line.run(*arguments, traced=True)
    assert outcome.code == 0, outcome.lines
    steps = [step for step, _ in curve(reader, "train/contrast_loss")]
    assert steps == list(range(1, 201))
