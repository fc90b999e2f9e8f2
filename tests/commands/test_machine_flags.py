"""Whole runs with the flags of the machine: what may and may not change."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from command_line import TINY, metric_lines, run, values

from simclr_tf import cpu, distribution
from simclr_tf.config import Config
from simclr_tf.methods import pretrain
from simclr_tf.setup import networks, precision
from simclr_tf.training import microbatch, steps

SAME = 1e-4  # two steps of float32 sums in another order, amplified by BN
SHORT = (
    *(flag for flag in TINY if flag != "--jit=off"),
    "--train_steps=2",
    "--mode=train",
    "--learning_rate=0.01",
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("plain"), "--jit=off")


def trained(directory, *flags):
    """Directory, and what the program logged."""
    outcome = run(*SHORT, *flags, f"--model_dir={directory}", traced=True)
    assert outcome.code == 0, outcome.lines
    return directory, outcome.lines


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [["--jit=on", "--nt_xent=streaming"], ["--remat"], ["--nofused_bn"]],
)
def test_the_run_is_the_same(plain, flags, tmp_path):
    trained(tmp_path, "--jit=off", *flags)
    expected = dict(metric_lines(plain[0])[-1], images_per_sec=0)
    found = dict(metric_lines(tmp_path)[-1], images_per_sec=0)
    assert found == pytest.approx(expected, rel=SAME)
    weights = values(str(tmp_path), 2)
    for key, value in values(str(plain[0]), 2).items():
        np.testing.assert_allclose(weights[key], value, atol=SAME, err_msg=key)


@pytest.mark.slow
def test_microbatches_train_and_resume(tmp_path):
    """Interrupted and continued, to the bit."""
    flags = ("--jit=off", "--microbatch_size=16")
    _, lines = trained(tmp_path / "whole", *flags)
    assert any("16 images at a time" in line for line in lines)
    trained(tmp_path / "parts", *flags, "--checkpoint_steps=1")
    for path in (tmp_path / "parts").glob("ckpt-2*"):
        path.unlink()
    trained(tmp_path / "parts", *flags, "--checkpoint_steps=1")
    whole = values(str(tmp_path / "whole"), 2)
    for key, value in values(str(tmp_path / "parts"), 2).items():
        np.testing.assert_array_equal(value, whole[key], err_msg=key)


def again(directory):
    """What is logged when the same run is started again."""
    return trained(directory, "--jit=off")[1]


def test_a_run_that_moves_to_another_machine_says_so(plain, tmp_path):
    """The one that wrote the checkpoint, and the one at hand."""
    moved = tmp_path / "moved"
    shutil.copytree(plain[0], moved)
    assert "equal to rounding" not in " ".join(again(moved))
    meta = moved / "ckpt-2.meta.json"
    known = json.loads(meta.read_text())
    assert known["machine"] == cpu.record()
    known["machine"] |= {"cpu": "AMD EPYC 7763", "onednn": False}
    meta.write_text(json.dumps(known))
    (line,) = [x for x in again(moved) if "agree to rounding" in x]
    assert "computed on AMD EPYC 7763" in line
    assert line.count("oneDNN") == 2
    assert cpu.describe(cpu.record()) in line


def test_other_rounding_is_named(plain, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(plain[0], moved)
    _, lines = trained(moved, "--jit=off", "--nofused_bn")
    (line,) = [x for x in lines if "agree to rounding" in x]
    assert line == (
        "this run resumes with fused_bn=False instead of True: results agree "
        "to rounding, not bit for bit"
    )


def test_a_checkpoint_of_before_machines_were_recorded(plain, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(plain[0], moved)
    meta = moved / "ckpt-2.meta.json"
    known = json.loads(meta.read_text())
    del known["machine"]
    meta.write_text(json.dumps(known))
    assert "equal to rounding" not in " ".join(again(moved))


@pytest.mark.parametrize(
    ("is_native", "expected"), [(True, "bfloat16"), (False, "float32")]
)
def test_auto_is_settled_announced_and_recorded(
    monkeypatch, tmp_path, is_native, expected
):
    """And the network is of it; on another machine the run stays so."""
    monkeypatch.setattr(distribution, "multiplies_bfloat16", lambda: is_native)
    built = []
    make = networks.make_train_state

    def note(config, **numbers):
        built.append(make(config, **numbers))
        return built[-1]

    monkeypatch.setattr(networks, "make_train_state", note)
    flags = (*SHORT, "--precision=auto", f"--model_dir={tmp_path}/run")
    lines = run(*flags).lines
    assert any(x.split()[-2:] == ["precision", expected] for x in lines)
    monkeypatch.setattr(
        distribution, "multiplies_bfloat16", lambda: not is_native
    )
    assert run(*flags).code == 0
    for state in built:
        policy = state.model.encoder.dtype_policy
        assert policy.compute_dtype == expected
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["config"]["precision"] == expected


def test_slow_bfloat16_is_warned_of_once(monkeypatch, tmp_path):
    monkeypatch.setattr(distribution, "multiplies_bfloat16", lambda: False)
    precision._warn_once.cache_clear()
    flags = (*SHORT, "--precision=bfloat16", f"--model_dir={tmp_path}/run")
    lines = run(*flags).lines + run(*flags).lines
    assert sum("is slow here" in line for line in lines) == 1


def test_microbatches_are_part_of_what_a_run_is(plain):
    outcome = run(*SHORT, "--microbatch_size=16", f"--model_dir={plain[0]}")
    assert outcome.code == 1
    assert "microbatch_size" in outcome.lines[0]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--microbatch_size=48"],
            "microbatch_size must be a divisor of train_batch_size; got 48",
        ),
        (
            ["--microbatch_size=64", "--num_replicas=2"],
            "microbatch_size must be a divisor of a replica's batch, 32; "
            "got 64",
        ),
        (
            ["--precision=float16"],
            "precision must be one of auto, float32, bfloat16 (float16 needs "
            "its loss scaled, as gradients below 6e-8 vanish in it; bfloat16 "
            "does not); got 'float16'",
        ),
    ],
)
def test_what_cannot_be_is_one_line(flags, message, tmp_path):
    outcome = run(*SHORT, *flags, f"--model_dir={tmp_path}/run")
    assert outcome.code == 1
    assert outcome.lines == [f"simclr-tf: {message}"]


TWO_TRAININGS = """
import sys

import simclr_tf
from simclr_tf import Config

network = {
    "dataset": "digits", "image_size": 8, "resnet_depth": 10,
    "width_multiplier": 0.0625, "proj_out_dim": 8, "jit": "off",
    "warmup_epochs": 0, "train_steps": 1, "num_replicas": 2,
}
first, second = sys.argv[1:]
simclr_tf.pretrain(Config(model_dir=first, train_batch_size=16, **network))
simclr_tf.finetune(Config(
    model_dir=second, train_mode="finetune", checkpoint=first,
    train_batch_size=8, **network,
))
"""


@pytest.mark.slow
def test_one_process_trains_twice_over_replicas(tmp_path):
    """Two models and batches, whose collectives have other shapes."""
    directories = [str(tmp_path / name) for name in ("first", "second")]
    done = subprocess.run(
        [sys.executable, "-c", TWO_TRAININGS, *directories],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for directory in directories:
        assert metric_lines(directory)[-1]["step"] == 1


def test_the_step_that_is_chosen():
    config = Config(
        model_dir="d",
        image_size=8,
        resnet_depth=10,
        width_multiplier=0.125,
        train_batch_size=64,
    )
    state = networks.make_train_state(
        config, num_classes=None, total_steps=1, warmup_steps=0
    )
    recipe = pretrain.Pretraining()
    whole = recipe.make_step(config, state, tf.identity, num_replicas=1)
    split = config.replace(microbatch_size=32)
    parts = recipe.make_step(split, state, tf.identity, num_replicas=1)
    assert type(whole) is steps.PretrainStep
    assert type(parts) is microbatch.MicrobatchedPretrainStep
