"""Benchmarks of input report whole lines; their baseline does its work."""

import glob
import json
import types

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.benchmarks import (
    augment,
    budget,
    input,
    measurement,
    official_order,
    throughput,
)

SIDE = 16
OPTIONS = measurement.parser("").parse_args(["--repeats=2"])
TWO_VIEWS = tf.function(official_order.two_views)


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def picture(height=30, width=41):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (height, width, 3), np.uint8)


def official_views(position, *, strength=1.0, image=None):
    return TWO_VIEWS(
        picture() if image is None else image,
        tf.constant(position, tf.int64),
        image_size=SIDE,
        strength=strength,
    ).numpy()


def test_the_official_order_gives_two_views():
    made = [official_views(position) for position in range(6)]
    assert all(views.shape == (2, SIDE, SIDE, 3) for views in made)
    assert min(views.min() for views in made) >= 0
    assert max(views.max() for views in made) <= 1
    assert all(np.abs(v[0] - v[1]).mean() > 0.01 for v in made)
    assert np.abs(made[0] - made[1]).mean() > 0.01
    np.testing.assert_array_equal(official_views(3), made[3])


def test_the_official_order_changes_colours_of_most_views_and_drops_some():
    # One colour all over, so that only colour operations can change it.
    colour = np.array([200, 100, 50], np.uint8)
    flat = np.broadcast_to(colour, (20, 20, 3))
    made = np.concatenate([official_views(i, image=flat) for i in range(40)])
    pixels = made[:, 0, 0]  # [80, 3]
    np.testing.assert_allclose(
        made, pixels[:, None, None] + 0 * made, atol=1e-5
    )
    same = np.abs(pixels - colour / 255).max(axis=1) < 1e-3
    gray = np.ptp(pixels, axis=1) < 1e-3
    # Probabilities 0.2 * 0.8 and 0.2, 80 draws, within 4 standard errors.
    assert 0.0 < same.mean() < 0.33
    assert 0.02 < gray.mean() < 0.39


def test_strength_0_leaves_the_crop():
    flat = np.full((20, 20, 3), 100, np.uint8)
    made = official_views(1, strength=0.0, image=flat)
    np.testing.assert_allclose(
        made, 100 / 255, atol=1e-3
    )  # luma sums to 0.9999


def test_streams_are_opened_anew_and_the_first_batch_does_not_count(
    monkeypatch,
):
    now, opened = [0.0], []
    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(throughput, "time", clock)

    def stream(name, secs):
        opened.append(name)
        now[0] += 100.0  # building
        for index in range(4):
            now[0] += 50.0 if index == 0 else secs
            yield index

    rates = throughput.interleaved_rates(
        {"fast": lambda: stream("fast", 1), "slow": lambda: stream("slow", 4)},
        budget.Budget(OPTIONS),
        num_batches=3,
        batch_size=8,
    )
    assert rates == {"fast": [8.0, 8.0], "slow": [2.0, 2.0]}
    assert opened == ["fast", "slow"] * 3


def test_ratios_are_of_medians(capsys):
    throughput.report(
        "input",
        {"base": [10.0, 20.0, 90.0], "ours": [5.0, 5.0, 5.0]},
        baselines=("base",),
        case={"files": 3},
        output=None,
    )
    base, ours = lines(capsys)
    assert base["case"] == {"kind": "base", "files": 3}
    assert base["images_per_sec"]["median"] == 20.0
    assert [base["ratio_to_base"], ours["ratio_to_base"]] == [1.0, 0.25]


def test_pictures_made_up_are_ordinary_jpegs(tmp_path):
    input.write_pictures(str(tmp_path), count=3, sizes=((60, 80), (80, 60)))
    paths = sorted(glob.glob(f"{tmp_path}/*.jpg"))
    shapes = [
        tf.io.decode_jpeg(tf.io.read_file(path)).shape.as_list()
        for path in paths
    ]
    assert shapes == [[60, 80, 3], [80, 60, 3], [60, 80, 3]]


@pytest.mark.slow
def test_the_input_benchmark_runs_without_images(capsys):
    input.main(
        ["--repeats=1", "--image_size=24", "--batch_size=4", "--num_batches=2"]
    )
    found = lines(capsys)
    assert [line["case"]["kind"] for line in found] == [
        "decode_only",
        "official",
        "uint8",
        "float",
        "with_device",
    ]
    assert found[0]["ratio_to_decode_only"] == 1.0
    for line in found:
        assert line["case"]["made_up"] is True
        assert line["images_per_sec"]["median"] > 0
        assert line["ratio_to_official"] > 0


@pytest.mark.slow
def test_the_augment_benchmark_runs(capsys, tmp_path):
    path = tmp_path / "out.jsonl"
    augment.main(
        [
            "--repeats=1",
            "--image_size=8",
            "--batch_size=4",
            "--num_batches=2",
            f"--output={path}",
        ]
    )
    found = lines(capsys)
    kinds = [line["case"]["kind"] for line in found]
    assert kinds == ["official", "graph", "jit"]
    assert len(path.read_text().splitlines()) == 3
