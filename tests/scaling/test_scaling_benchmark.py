"""The curves of growing cost: what is measured, what is modelled."""

import argparse
import json
import os
import types

import cluster
import measure as study
import pytest
import traffic

from simclr_tf import errors
from simclr_tf.benchmarks import budget, measurement

OPTIONS = measurement.parser("").parse_args([])


def line(point, secs, memory_mb):
    return {
        "case": {"point": point},
        "secs": secs,
        "memory_mb": memory_mb,
        "device": "CPU",
        "cores": 2,
        "versions": {"tensorflow": "2.21.0"},
    }


def write(path, lines):
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))


def test_only_what_is_missing_is_measured(tmp_path, monkeypatch, capsys):
    path = tmp_path / "data.jsonl"
    write(path, [line("loss:dense:64", 1.0, 2.0)])
    asked = []

    def fresh(module, argument):
        asked.append(argument)
        return {"secs": 3.0, "memory_mb": 4.0}

    monkeypatch.setattr(measurement, "in_fresh_process", fresh)
    study.measure_missing(
        ["loss:dense:64", "size:18:32"], path, budget.Budget(OPTIONS)
    )
    assert asked == ["--one=size:18:32"]
    assert set(study.read(path)) == {"loss:dense:64", "size:18:32"}
    assert json.loads(capsys.readouterr().out)["secs"] == 3.0


def test_a_curve_is_in_order_of_size():
    found = {
        "loss:dense:256": line("", {"median": 0.5}, 20.0),
        "loss:dense:64": line("", {"median": 0.1}, 10.0),
        "loss:streaming:64": line("", {"median": 0.2}, 5.0),
        "size:18:64": line("", 0.7, 70.0),
    }
    assert study.curve(found, "loss:dense") == (
        (64, 256),
        (0.1, 0.5),
        (10.0, 20.0),
    )
    assert study.curve(found, "size:18") == ((64,), (0.7,), (70.0,))
    assert study.curve(found, "replicas:64") == ((), (), ())


@pytest.mark.parametrize("point", ["", "loss:dense", "speed:18:3", "size:1:x"])
def test_what_is_no_point(point):
    with pytest.raises(errors.UserError, match="points must be like"):
        study.measure(point)


def test_the_loss_is_measured_here():
    found = study.measure("loss:streaming:16")
    assert found["memory_mb"] >= 0
    assert found["secs"]["median"] > 0
    assert found["secs"]["n"] >= 1


def test_pictures_of_what_was_measured(tmp_path):
    study.draw_measured({}, str(tmp_path))
    assert os.listdir(tmp_path) == []
    points = ("loss:dense:64", "loss:streaming:64", "size:18:32")
    study.draw_measured(
        {point: line(point, 1.0, 2.0) for point in points}, str(tmp_path)
    )
    assert sorted(os.listdir(tmp_path)) == [
        "image_size.png",
        "loss.png",
        "replicas.png",
    ]


def options(*arguments):
    parser = argparse.ArgumentParser()
    cluster.add_arguments(parser)
    return parser.parse_args(arguments)


def test_assumptions_are_arguments():
    assert options().efficiency == traffic.Cluster().efficiency
    assert options("--latency_secs=1e-3").latency_secs == 1e-3


def test_the_table_is_markdown():
    rows = [{"accelerators": 8, "step ms": 0.01234, "images/s": 12345.6}]
    assert cluster.table(rows) == (
        "| accelerators | step ms | images/s |\n"
        "| ---: | ---: | ---: |\n"
        "| 8 | 0.0123 | 12,346 |"
    )


@pytest.mark.slow
def test_the_model_scales(tmp_path, capsys):
    network, shape = cluster.network_and_shape()
    assumed = traffic.Cluster()
    rows = [
        cluster.row(network, shape, assumed, cluster.load_of(replicas, 64))
        for replicas in (8, 512)
    ]
    # ResNet-50: 4.1e9 multiply-adds a view, 25.6e6 parameters with its
    # classifier of 1000, which is not here, and a head of 8.7e6 that is.
    assert network.flops_per_view == pytest.approx(6 * 4.1e9, rel=0.02)
    assert network.parameters == pytest.approx(23.5e6 + 8.7e6, rel=0.01)
    assert rows[1]["images/s"] < 64 * rows[0]["images/s"]
    assert rows[0]["network ms"] == rows[1]["network ms"]
    assert rows[1]["projections MB"] > 60 * rows[0]["projections MB"]
    cluster.draw(options(), str(tmp_path))
    assert len(os.listdir(tmp_path)) == 2
    assert capsys.readouterr().out.count("\n|") == 2 * 9


def test_few_accelerators_for_a_small_batch(tmp_path, monkeypatch, capsys):
    network = traffic.Network(1000, (8,), (), 16, 1e9)
    monkeypatch.setattr(cluster, "network_and_shape", lambda: (network, None))
    estimate = types.SimpleNamespace(total=2e9)
    monkeypatch.setattr(
        cluster.memory, "estimate", lambda shape, load: estimate
    )
    cluster.draw(options("--global_batch=16"), str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == [
        "strong_scaling.png",
        "weak_scaling.png",
    ]
    assert capsys.readouterr().out.count("\n|") == 2 + 7 + 2 + 2
