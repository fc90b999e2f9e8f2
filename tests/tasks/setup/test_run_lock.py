"""One training at a time: locks of the living, of the dead, and of others."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time

import pytest
from command_line import TINY, run

from simclr_tf import errors
from simclr_tf.tasks.setup import run_lock
from simclr_tf.training import checkpoint


def path_in(directory):
    return directory / run_lock.FILE


def write(directory, **values):
    directory.mkdir(exist_ok=True)
    content = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": "long ago",
        "started": "2026-01-01 00:00:00 UTC",
        "token": "theirs",
        "alive_secs": time.time(),
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


def test_it_works_just_after_the_machine_has_started(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock.time, "monotonic", lambda: 3.0)
    with run_lock.held(str(tmp_path)) as lock:
        lock.check()


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
        pytest.raises(errors.UserError, match=f"process {pid} on .*remove"),
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


@pytest.mark.parametrize(("age", "is_free"), [(10, False), (10_000, True)])
def test_another_host_is_believed_for_a_while(tmp_path, age, is_free):
    write(tmp_path, host="elsewhere", alive_secs=time.time() - age)
    if is_free:
        with run_lock.held(str(tmp_path)):
            pass
        return
    with (
        pytest.raises(errors.UserError, match="on elsewhere"),
        run_lock.held(str(tmp_path)),
    ):
        pass


@pytest.mark.parametrize("content", ["", "[]", "{", '{"pid": "x"}'])
def test_a_damaged_lock_locks_nothing(tmp_path, content):
    path_in(tmp_path).write_text(content)
    with run_lock.held(str(tmp_path)):
        pass


def test_signs_of_life_are_given_now_and_then(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(run_lock.time, "monotonic", lambda: now[0])
    with run_lock.held(str(tmp_path)) as lock:
        path_in(tmp_path).write_text("none of ours")
        lock.beat()  # too early to look
        now[0] += run_lock.BEAT_SECS + 1
        with pytest.raises(errors.UserError, match="removed or taken over"):
            lock.beat()
    assert path_in(tmp_path).read_text() == "none of ours"


def test_a_directory_that_is_gone_ends_the_run(tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(run_lock.time, "monotonic", lambda: now[0])
    with run_lock.held(str(tmp_path / "run")) as lock:
        os.remove(path_in(tmp_path / "run"))
        now[0] += run_lock.BEAT_SECS + 1
        with pytest.raises(errors.UserError, match="removed"):
            lock.beat()


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


def test_a_training_leaves_no_lock(pretrained):
    assert run_lock.FILE not in os.listdir(pretrained)
