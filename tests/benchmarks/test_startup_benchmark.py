"""The benchmark of start-up; what it runs is run by the slow test alone."""

import json
import subprocess
import sys
import types

import pytest

from simclr_tf.benchmarks import first_step, startup

PHASES = ("import", "devices", "data", "build", "input", "sample_views",
          "first_step")  # fmt: skip


def test_cases_are_reported_beside_the_import_of_tensorflow(
    capsys, monkeypatch
):
    secs = {startup.BASELINE: 4.0, "help": 0.2}
    monkeypatch.setattr(
        startup, "phases_of", lambda name, _: {"process": secs[name]}
    )
    startup.main(["--cases=help", "--repeats=2"])
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    found = {x["case"]["what"]: x for x in lines}
    assert found["help"]["secs"] == {"median": 0.2, "spread": 0.0, "n": 2}
    assert found["help"]["ratio_to_import_tensorflow"] == pytest.approx(0.05)
    assert found[startup.BASELINE]["phases"] == {"process": 4.0}


def test_phases_add_up_to_the_time_since_launch(monkeypatch):
    times = iter([11.0, 11.5, 13.5])
    monkeypatch.setattr(first_step.time, "time", lambda: next(times))
    clock = first_step.Clock(10.0)
    for phase in ("import", "data", "import"):
        clock.mark(phase)
    assert clock.secs == {"import": 3.0, "data": 0.5}
    assert startup.totals([clock.secs]) == [3.5]


def test_medians_are_taken_phase_by_phase():
    runs = [{"data": 1.0, "build": 5.0}, {"data": 3.0, "build": 4.0}]
    assert startup.medians([*runs, runs[0]]) == {"data": 1.0, "build": 5.0}


def test_a_watched_function_does_what_it_did():
    module = types.SimpleNamespace(
        double=lambda number, *, plus: 2 * number + plus
    )
    clock = first_step.Clock(0.0)
    first_step.mark_after(module, "double", clock, "doubling")
    assert module.double(4, plus=1) == 9
    assert list(clock.secs) == ["doubling"]


def test_help_is_measured_in_a_process_of_its_own():
    phases = startup.phases_of("help", "")
    assert phases["process"] > 0


def test_nothing_slow_is_imported_before_the_clock_starts():
    code = (
        "import sys; from simclr_tf.benchmarks import first_step; "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.slow
def test_the_quick_start_is_timed_by_phases():
    phases = startup.phases_of(startup.FIRST_STEP, "--preset=quickstart")
    assert tuple(phases) == PHASES
    assert all(secs > 0 for secs in phases.values())
