"""Benchmarks report whole JSON lines; nothing here is timed."""

import json
import os

import numpy as np
import pytest

from simclr_tf import cpu
from simclr_tf.benchmarks import budget, loss, measurement

OPTIONS = measurement.parser("").parse_args(["--repeats=2"])


def test_functions_are_called_by_turns():
    calls = []
    functions = {
        name: lambda name=name: calls.append(name) for name in ("a", "b")
    }
    secs = measurement.interleaved_secs(
        functions, budget.Budget(OPTIONS), "functions"
    )
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert {name: len(found) for name, found in secs.items()} == {
        "a": 2,
        "b": 2,
    }


def test_the_summary():
    found = measurement.summary([1.0, 2.0, 3.0, 4.0, 100.0])
    assert found == {"median": 3.0, "spread": 2.0, "n": 5}


def test_a_line_goes_to_the_screen_and_the_file(capsys, tmp_path):
    path = tmp_path / "out.jsonl"
    for images in (1, 2):
        measurement.report(
            "loss", {"images": images}, {"ratio_to_dense": 0.5}, output=path
        )
    lines = path.read_text().splitlines()
    assert lines == capsys.readouterr().out.splitlines()
    found = [json.loads(line) for line in lines]
    assert [line["case"]["images"] for line in found] == [1, 2]
    assert found[0]["versions"].keys() >= {"tensorflow", "python"}
    assert found[0]["cores"] >= 1
    assert found[0]["machine"] == cpu.record()
    assert found[0]["device"] == cpu.read().model


@pytest.mark.slow
def test_the_loss_benchmark_runs(capsys):
    loss.main(["--sizes=16", "--repeats=2"])
    lines = [json.loads(x) for x in capsys.readouterr().out.splitlines()]
    assert [line["case"]["kind"] for line in lines] == ["dense", "streaming"]
    assert lines[0]["ratio_to_dense"] == 1.0
    for line in lines:
        assert line["secs"]["n"] == 2
        assert line["memory_mb"] >= 0


@pytest.mark.slow
@pytest.mark.skipif(
    not os.path.exists("/proc/self/status"), reason="needs Linux"
)
def test_a_fresh_process_does_not_inherit_the_peak_of_its_parent():
    held = np.ones(300_000_000, "uint8")  # more than the child needs
    assert measurement.peak_bytes() > held.nbytes
    small = measurement.in_fresh_process(
        loss.MODULE, f"--memory_of=streaming,{loss.FEW_IMAGES}"
    )
    assert small < held.nbytes / 10
    large = measurement.in_fresh_process(loss.MODULE, "--memory_of=dense,3000")
    assert large > 4 * 6000**2  # one matrix of all pairs, float32


@pytest.mark.slow
def test_a_process_that_fails_is_an_error():
    with pytest.raises(Exception, match="returned non-zero exit status"):
        measurement.in_fresh_process(loss.MODULE, "--memory_of=none,2")
