"""The benchmarks of the step and of the roofline report what they say."""

import argparse
import json

import pytest

from simclr_tf.benchmarks import roofline, step

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
    lines = lines_of(roofline.main, capsys)
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
    (line,) = lines_of(step.main, capsys, "--precisions=bfloat16")
    assert line["case"]["variant"] == "plain"
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


@pytest.mark.slow
def test_a_call_moves_the_weights_once():
    options = argparse.Namespace(
        resnet_depth=10, width_multiplier=0.125, image_size=8, batch=8
    )
    run = step.make_state("float32", options)
    call = step.make_call(run, options, num_microbatches=2)
    call()
    assert run.step == 1
