"""The benchmarks of the step and of the roofline report what they say."""

import argparse
import json

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.benchmarks import roofline, step

BOTH = "--precisions=float32,bfloat16"
SMALL = (
    "--batch=8",
    "--repeats=1",
    "--resnet_depth=10",
    "--width_multiplier=0.125",
    "--image_size=8",
)


def lines_of(main, capsys, *arguments):
    main([*SMALL, *arguments])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_roofline_is_the_best_convolution(capsys):
    lines = lines_of(roofline.main, capsys, BOTH)
    for precision in ("float32", "bfloat16"):
        ratios = {
            line["case"]["operation"]: line["ratio_to_best_convolution"]
            for line in lines
            if line["case"]["precision"] == precision
        }
        assert ratios.pop("matmul") > 0
        assert max(ratios.values()) == 1.0
        assert "3x3 8->8 at 8 px" in ratios


def test_rates_count_both_views():
    options = argparse.Namespace(
        resnet_depth=10, width_multiplier=0.125, image_size=8, batch=4
    )
    _, flops = roofline.conv_calls("float32", options)["3x3 8->8 at 8 px"]
    assert flops == 2 * (8 * 8 * 8) * (3 * 3 * 8) * (2 * 4)


@pytest.mark.slow
def test_a_step_is_reported_beside_the_roofline(capsys):
    line, official = lines_of(step.main, capsys, "--precisions=bfloat16")
    assert line["case"]["variant"] == "plain"
    assert official["case"]["variant"] == "official"
    assert official["images_ratio_to_official"] == 1.0
    assert line["images_ratio_to_official"] == pytest.approx(
        official["secs"]["median"] / line["secs"]["median"]
    )
    expected = line["gflops_per_sec"] / line["roofline_gflops_per_sec"]
    assert line["ratio_to_roofline"] == pytest.approx(expected)
    assert line["images_per_sec"] == pytest.approx(8 / line["secs"]["median"])


@pytest.mark.slow
def test_every_variant_takes_the_step_it_names(capsys):
    names = [name for name in step.VARIANTS if name != "jit"]  # slow to compile
    lines = lines_of(
        step.main,
        capsys,
        "--precisions=float32",
        f"--variants={','.join(names)}",
    )
    assert [line["case"]["variant"] for line in lines] == names


@pytest.mark.parametrize(
    ("is_native", "expected"),
    [(True, ["float32", "bfloat16"]), (False, ["float32"])],
)
def test_precisions_are_those_that_are_native(
    monkeypatch, capsys, is_native, expected
):
    monkeypatch.setattr(distribution, "multiplies_bfloat16", lambda: is_native)
    options = argparse.Namespace(precisions=None)
    assert roofline.precisions_of(options) == expected
    said = capsys.readouterr().err
    assert ("bfloat16 is left out" in said) == (not is_native)
    options.precisions = "bfloat16"
    assert roofline.precisions_of(options) == ["bfloat16"]


def test_official_batches_are_views_of_the_same_images():
    """Of one colour each, in the order that the loss expects."""
    options = argparse.Namespace(image_size=8, batch=3)
    images = step.make_batch(options)
    colours = tf.constant([20, 90, 255], tf.uint8)
    flat = tf.ones_like(images["images"]) * colours[:, None, None, None]
    batches = step.official_batches(images | {"images": flat}, options)
    for _ in range(3):
        batch = next(batches)
        assert batch["views"].shape == (6, 8, 8, 3)
        assert batch["labels"].numpy().tolist() == [0, 1, 2]
        first, second = np.split(batch["views"].numpy(), 2)
        for views in (first, second):
            means = views.mean(axis=(1, 2, 3))
            assert means[0] < means[1] < means[2]


@pytest.mark.slow
def test_a_call_moves_the_weights_once():
    options = argparse.Namespace(
        resnet_depth=10, width_multiplier=0.125, image_size=8, batch=8
    )
    run = step.make_state("float32", options)
    call = step.make_call(run, options, num_microbatches=2)
    call()
    assert run.step == 1
