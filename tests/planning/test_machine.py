"""Memory of the machine, from tables written here."""

import pytest

from simclr_tf.planning import machine

KIB = 1024


@pytest.fixture
def tables(tmp_path):
    meminfo, status = tmp_path / "meminfo", tmp_path / "status"
    meminfo.write_text(
        "MemTotal:       2000 kB\nMemAvailable:   1500 kB\nHugePages: 0\n"
    )
    status.write_text("Name:\tpython\nVmRSS:\t     300 kB\nThreads:\t2\n")
    return {"meminfo": str(meminfo), "status": str(status)}


def test_what_is_free_and_what_is_held_already(tables):
    assert machine.host_bytes(**tables, groups=()) == 1800 * KIB


@pytest.mark.parametrize(
    ("text", "expected"),
    [("max\n", 1800 * KIB), ("1000\n", 1000), ("9999999999\n", 1800 * KIB)],
)
def test_a_container_may_allow_less(tables, tmp_path, text, expected):
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    groups = (str(tmp_path / "absent"), str(limit))
    assert machine.host_bytes(**tables, groups=groups) == expected


def test_a_system_that_does_not_tell(tmp_path, monkeypatch):
    absent = str(tmp_path / "absent")
    assert machine.host_bytes(meminfo=absent) is None
    monkeypatch.setattr(machine, "host_bytes", lambda: None)
    assert machine.memory_per_replica(2) is None


def test_replicas_on_cpus_share(monkeypatch):
    monkeypatch.setattr(machine, "host_bytes", lambda: 1001)
    assert machine.memory_per_replica(4) == 250
    assert machine.base_bytes(2) <= machine.base_bytes(1) / 1.9
