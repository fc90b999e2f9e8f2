"""How many threads: cores, quotas of control groups, the environment."""

import os
import subprocess
import sys

import pytest

from simclr_tf import cores


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def quota(tmp_path, own):
    write(tmp_path / "own", own)
    return cores.quota(str(tmp_path / "fs"), str(tmp_path / "own"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("150000 100000\n", 1.5), ("max 100000\n", None), ("50000 100000", 0.5)],
)
def test_version_2(tmp_path, text, expected):
    write(tmp_path / "fs/jobs/one/cpu.max", text)
    assert quota(tmp_path, "0::/jobs/one\n") == expected


def test_version_1_has_a_tree_for_the_controller(tmp_path):
    group = tmp_path / "fs/cpu/docker/abc"
    write(group / "cpu.cfs_quota_us", "200000\n")
    write(group / "cpu.cfs_period_us", "100000\n")
    own = "4:memory:/other\n3:cpu,cpuacct:/docker/abc\n"
    assert quota(tmp_path, own) == 2.0
    write(group / "cpu.cfs_quota_us", "-1\n")
    assert quota(tmp_path, own) is None


def test_the_least_on_the_way_up_holds(tmp_path):
    write(tmp_path / "fs/jobs/cpu.max", "100000 100000")
    write(tmp_path / "fs/jobs/one/cpu.max", "300000 100000")
    assert quota(tmp_path, "0::/jobs/one") == 1.0
    write(tmp_path / "fs/jobs/cpu.max", "max 100000")
    assert quota(tmp_path, "0::/jobs/one") == 3.0


def test_a_container_sees_its_own_group_as_the_root(tmp_path):
    write(tmp_path / "fs/cpu.max", "120000 100000")
    assert quota(tmp_path, "0::/../../docker/abc") == 1.2
    assert quota(tmp_path, "0::/") == 1.2


@pytest.mark.parametrize("text", ["", "\n", "x y", "1 0", "100000", "0 100000"])
def test_what_is_no_quota_is_none(tmp_path, text):
    """An import of the package must not fail on it."""
    write(tmp_path / "fs/cpu.max", text)
    assert quota(tmp_path, "0::/") is None


def test_no_groups_no_quota(tmp_path):
    assert quota(tmp_path, "") is None
    assert cores.quota(str(tmp_path), str(tmp_path / "absent")) is None


@pytest.mark.parametrize(
    ("granted", "expected"),
    [(None, 8), (16.0, 8), (2.0, 2), (1.5, 2), (0.2, 1)],
)
def test_what_may_run_at_once(monkeypatch, granted, expected):
    monkeypatch.setattr(cores, "schedulable", lambda: list(range(8)))
    monkeypatch.setattr(cores, "quota", lambda: granted)
    assert cores.available() == expected


def test_a_quota_sets_what_the_user_did_not(monkeypatch):
    monkeypatch.setattr(cores, "schedulable", lambda: list(range(8)))
    monkeypatch.setattr(cores, "quota", lambda: 3.0)
    kept, *others = cores.THREADS
    for name in others:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(kept, "5")
    cores.limit_threads()
    assert os.environ[kept] == "5"
    assert [os.environ[name] for name in others] == ["3"] * len(others)


def test_without_a_quota_nothing_is_set(monkeypatch):
    monkeypatch.setattr(cores, "quota", lambda: None)
    for name in cores.THREADS:
        monkeypatch.delenv(name, raising=False)
    cores.limit_threads()
    assert not set(cores.THREADS) & set(os.environ)


COUNT = """
from simclr_tf import cores
cores.schedulable = lambda: list(range(8))
cores.quota = lambda: 1.0
cores.limit_threads()
import os
import tensorflow as tf
tf.linalg.matmul(tf.ones([256, 256]), tf.ones([256, 256]))
tasks = os.listdir("/proc/self/task")
names = [open(f"/proc/self/task/{task}/comm").read() for task in tasks]
print(sum(name.startswith("tf_Compute") for name in names))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_tensorflow_starts_as_many_threads():
    """It starts one for each core unless the environment says how many."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env={k: v for k, v in os.environ.items() if k not in cores.THREADS},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == "1"
