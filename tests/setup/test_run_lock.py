"""One training at a time: locks of the living, of the dead, and of others."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import types

import pytest
import tensorflow as tf
from command_line import TINY, run

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint
from simclr_tf.config import Config
from simclr_tf.setup import model_dir, run_lock


def path_in(directory):
    return directory / run_lock.FILE


def write(directory, **values):
    directory.mkdir(exist_ok=True)
    content = {
        **run_lock._place(),
        "pid": os.getpid(),
        "process_started": "long ago",
        "started": "2026-01-01 00:00:00 UTC",
        "token": "theirs",
        "beats": 0,
    }
    path_in(directory).write_text(json.dumps(content | values))


@pytest.fixture
def other_process():
    """A process that lives for as long as the test."""
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE
    )
    yield child
    child.communicate(b"\n")


def test_it_is_there_while_it_is_held_and_then_gone(tmp_path):
    with run_lock.held(str(tmp_path / "run")):
        content = json.loads(path_in(tmp_path / "run").read_text())
        assert content["pid"] == os.getpid()
        assert content["host"] == socket.gethostname()
    assert not (tmp_path / "run").exists()  # nothing was written


def test_a_directory_with_something_in_it_stays(tmp_path):
    with run_lock.held(str(tmp_path / "run")):
        (tmp_path / "run/config.json").write_text("{}")
    assert os.listdir(tmp_path / "run") == ["config.json"]


def test_of_two_that_start_at_once_one_has_it(tmp_path):
    """Each has seen that there is no lock, and writes its own."""
    path = str(path_in(tmp_path))
    first = run_lock.RunLock(path)
    with pytest.raises(errors.UserError, match="at this moment"):
        run_lock.RunLock(path)
    first.check()
    assert os.listdir(tmp_path) == [run_lock.FILE]


@pytest.mark.parametrize("path", ["ram://run_lock", None])
def test_without_links_the_last_one_has_it(tmp_path, monkeypatch, path):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(run_lock.os, "link", refuse)
    path = f"{path or tmp_path}/{run_lock.FILE}"
    first = run_lock.RunLock(path)
    second = run_lock.RunLock(path)
    second.check()
    with pytest.raises(errors.UserError, match="taken over"):
        first.check()
    second.release()


def test_a_living_process_is_not_disturbed(tmp_path, other_process):
    pid = other_process.pid
    write(tmp_path, pid=pid, process_started=run_lock._start_of(pid))
    with (
        pytest.raises(errors.UserError, match=f"held by process {pid} on "),
        run_lock.held(str(tmp_path)),
    ):
        pass
    assert json.loads(path_in(tmp_path).read_text())["token"] == "theirs"


def test_an_ended_process_is_followed(tmp_path, other_process):
    """Its number may be another's by now, which started at another time."""
    for pid in (other_process.pid, 2**22 + 1):
        write(tmp_path, pid=pid, process_started="long ago")
        with run_lock.held(str(tmp_path)):
            content = json.loads(path_in(tmp_path).read_text())
            assert content["pid"] == os.getpid()


@pytest.fixture
def clock(monkeypatch):
    """Time passes by `sleep` alone; `at[seconds]` is called at its time."""
    made = types.SimpleNamespace(now=0.0, at={})

    def sleep(seconds):
        made.now += seconds
        for when in [x for x in made.at if x <= made.now]:
            made.at.pop(when)()

    fake = types.SimpleNamespace(
        monotonic=lambda: made.now, sleep=sleep, strftime=time.strftime
    )
    monkeypatch.setattr(run_lock, "time", fake)
    return made


@pytest.mark.parametrize(
    "place", [{"host": "elsewhere"}, {"namespace": "pid:[1]"}]
)
def test_who_cannot_be_asked_is_watched(tmp_path, clock, place):
    """Without a sign of life the lock is taken over, with one it is not."""
    write(tmp_path, **place)
    with run_lock.held(str(tmp_path)):
        assert clock.now >= run_lock.WATCH_SECS
    write(tmp_path, **place)
    clock.at[clock.now + 20] = lambda: write(tmp_path, beats=1, **place)
    with (
        pytest.raises(errors.UserError, match="held by process"),
        run_lock.held(str(tmp_path)),
    ):
        pass


def test_who_leaves_while_it_is_watched_makes_way(tmp_path, clock):
    write(tmp_path, host="elsewhere")
    clock.at[5] = path_in(tmp_path).unlink
    with run_lock.held(str(tmp_path)):
        assert clock.now < run_lock.WATCH_SECS


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pid": "x"}'])
def test_a_damaged_lock_locks_nothing(tmp_path, clock, content):
    path_in(tmp_path).write_text(content)
    with run_lock.held(str(tmp_path)):
        pass


def test_signs_of_life_are_given_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "BEAT_SECS", 0.01)
    with run_lock.held(str(tmp_path)) as lock:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            if json.loads(path_in(tmp_path).read_text())["beats"] > 2:
                break
        else:
            pytest.fail("no sign of life")
        lock.check()
    assert os.listdir(tmp_path) == []


def test_a_lock_that_is_another_s_is_not_written(tmp_path):
    with run_lock.held(str(tmp_path)) as lock:
        write(tmp_path)
        lock.beat(1)
        with pytest.raises(errors.UserError, match="removed or taken over"):
            lock.check()
    assert json.loads(path_in(tmp_path).read_text())["token"] == "theirs"


def test_a_file_system_out_of_reach_ends_no_run(tmp_path, monkeypatch, caplog):
    def fail(path):
        raise tf.errors.UnavailableError(None, None, "503")

    with run_lock.held(str(tmp_path)) as lock:
        with monkeypatch.context() as patch:
            patch.setattr(run_lock.files, "read_json", fail)
            lock.check()
            lock.beat(1)
        assert "cannot be read: 503" in caplog.text
        os.remove(path_in(tmp_path))
        with pytest.raises(errors.UserError, match="removed or taken over"):
            lock.check()


def test_the_second_of_two_runs_is_refused(tmp_path, other_process):
    pid = other_process.pid
    directory = tmp_path / "run"
    write(directory, pid=pid, process_started=run_lock._start_of(pid))
    outcome = run(*TINY, "--mode=train", f"--model_dir={directory}")
    assert outcome.code == 1
    (line,) = outcome.lines
    assert line.startswith("simclr-tf: model_dir must be that of no other run")
    assert os.listdir(directory) == [run_lock.FILE]


def test_a_run_whose_directory_is_removed_ends_in_one_line(
    tmp_path, monkeypatch
):
    """At its next checkpoint, and does not make the directory again."""
    directory = tmp_path / "run"
    honest = checkpoint.Checkpoints.save

    def save(self, step=None):
        prefix = honest(self, step)
        shutil.rmtree(directory)
        return prefix

    monkeypatch.setattr(checkpoint.Checkpoints, "save", save)
    outcome = run(*TINY, "--mode=train", f"--model_dir={directory}")
    assert outcome.code == 1
    assert "was removed or taken over" in outcome.lines[-1]
    assert not directory.exists()


def test_what_was_checked_before_waiting_is_checked_again(
    tmp_path, monkeypatch
):
    """Another run may have come and gone while this one was prepared."""
    directory = tmp_path / "run"
    honest = run_lock._make_way

    def come_and_go(path):
        other = Config(dataset="digits", model_dir=str(directory), seed=5)
        model_dir.open_run(other, {})
        honest(path)

    monkeypatch.setattr(run_lock, "_make_way", come_and_go)
    outcome = run(*TINY, "--mode=train", f"--model_dir={directory}")
    assert outcome.code == 1
    assert "model_dir must hold no other run" in outcome.lines[-1]
    found = json.loads((directory / "config.json").read_text())
    assert found["config"]["seed"] == 5


def test_a_training_leaves_no_lock(pretrained):
    assert run_lock.FILE not in os.listdir(pretrained)
