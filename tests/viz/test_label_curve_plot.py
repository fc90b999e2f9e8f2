"""The label-efficiency curve as table, CSV and picture."""

import csv
import io

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from simclr_tf.viz import label_curve as plot

MIN_SHADES = 20
"""Lines in colours, text and their soft edges; a blank page has one."""
VALUES = {0.01: [0.5, 0.6, 0.4], 0.1: [0.7, 0.72, 0.74], 1.0: [0.8]}
HEADS = ("1%", "10%", "100%")
CELLS = ("50.0", "±", "24.8", "72.0", "±", "5.0", "80.0")
LABELS = {0.01: 10, 0.1: 142, 1.0: 1437}


def points():
    """kNN first and fractions falling, as no table is to be."""
    return [
        plot.Point(method, fraction, LABELS[fraction], seed, accuracy + shift)
        for method, shift in (("knn", 0), ("linear", 0.01), ("finetune", 0.1))
        for fraction in sorted(VALUES, reverse=True)
        for seed, accuracy in enumerate(VALUES[fraction])
    ]


def test_means_and_intervals():
    found = plot.summarize(points())
    assert [(m.method, m.fraction) for m in found] == [
        (method, fraction)
        for method in ("finetune", "linear", "knn")
        for fraction in (0.01, 0.1, 1.0)
    ]
    for mean in found[-3:]:
        values = VALUES[mean.fraction]
        assert mean.labels == LABELS[mean.fraction]
        assert mean.seeds == len(values)
        assert mean.mean == pytest.approx(np.mean(values))
        if len(values) == 1:
            assert mean.half_width is None
        else:
            low, high = stats.t.interval(
                0.95, 2, np.mean(values), stats.sem(values)
            )
            assert mean.half_width == pytest.approx((high - low) / 2)


def test_csv_has_every_point():
    found = list(csv.DictReader(io.StringIO(plot.to_csv(points()))))
    assert len(found) == 21
    assert found[0] == {
        "method": "knn",
        "fraction": "1.0",
        "labels": "1437",
        "seed": "0",
        "accuracy": "0.8",
    }


def test_the_table_has_no_interval_of_one_seed():
    lines = plot.render(plot.summarize(points())).splitlines()
    assert lines[0].split() == [
        "accuracy",
        "%,",
        "labels:",
        "1%",
        "10%",
        "100%",
    ]
    assert lines[-1].split() == [
        "kNN",
        "50.0",
        "±",
        "24.8",
        "72.0",
        "±",
        "5.0",
        "80.0",
    ]


def test_names_are_moved_apart_no_more_than_needed():
    heights = {"a": 5.0, "b": 5.2, "c": 20.0, "d": 5.1}
    found = plot.spread(heights, 1.0)
    assert found == pytest.approx({"a": 4.1, "d": 5.1, "b": 6.1, "c": 20.0})


def test_a_png_with_something_on_it(tmp_path):
    path = f"{tmp_path}/label_curve.png"
    plot.save_plot(path, plot.summarize(points()), footer=r"of $\frac$")
    image = Image.open(path).convert("RGB")
    assert image.size == (900, 600)
    assert len(image.getcolors(maxcolors=10**6)) > MIN_SHADES
