"""Fine-tuning from the command line: what moves, what stays, which labels."""

import json
import math
import os
import shlex
import shutil

import numpy as np
import pytest
from command_line import TINY, assert_same_values, metric_lines, run, values

pytestmark = pytest.mark.usefixtures("no_export")

LAST = 6
TUNE = (
    *TINY,
    "--train_mode=finetune",
    "--optimizer=momentum",
    "--learning_rate=0.1",
    "--weight_decay=0",
)
ENCODER = "model/simclr/resnet/"
HEAD = "model/simclr/supervised_head/"
PROJECTION = "model/simclr/projection_head/"
PARTS = ("stem", *(f"block_group{i}" for i in range(1, 5)))
SAME = 1e-4  # two steps of float32 sums in another order, amplified by BN
# The two published commands, data set and directories apart; sizes and length
# are replaced below.
PUBLISHED = [
    "--mode=train_then_eval --train_mode=finetune --fine_tune_after_block=4 "
    "--zero_init_logits_layer=True "
    "--variable_schema='(?!global_step|(?:.*/|^)Momentum|head)' "
    "--global_bn=False --optimizer=momentum --learning_rate=0.1 "
    "--weight_decay=0.0 --train_epochs=100 --train_batch_size=512 "
    "--warmup_epochs=0 --image_size=32 --eval_split=test --use_tpu=False",
    "--mode=train_then_eval --train_mode=finetune --fine_tune_after_block=-1 "
    "--zero_init_logits_layer=True "
    "--variable_schema='(?!global_step|(?:.*/|^)Momentum|head_supervised)' "
    "--global_bn=True --optimizer=lars --learning_rate=0.005 "
    "--learning_rate_scaling=sqrt --weight_decay=0 --train_epochs=60 "
    "--train_batch_size=1024 --warmup_epochs=0 --image_size=224 "
    "--eval_split=test --train_summary_steps=0 --num_proj_layers=3 "
    "--ft_proj_selector=1",
]


def tune(pretrained, directory, *arguments):
    """A run of fine-tuning that succeeds."""
    outcome = run(
        *TUNE,
        f"--checkpoint={pretrained}",
        f"--model_dir={directory}",
        *arguments,
    )
    assert outcome.code == 0, outcome.lines
    return outcome


def moved(before, after, prefix):
    """Names below a prefix whose value is another one."""
    names = [name for name in after if name.startswith(prefix)]
    return {
        name.removeprefix(prefix)
        for name in names
        if name in before and not np.array_equal(before[name], after[name])
    }


def test_linear_evaluation_leaves_the_encoder_alone(pretrained, tmp_path):
    outcome = tune(pretrained, tmp_path / "run", "--fine_tune_after_block=4")
    before = values(pretrained, LAST)
    after = values(str(tmp_path / "run"), LAST)
    assert moved(before, after, ENCODER) == set()
    assert any("moving_variance" in name for name in after if ENCODER in name)
    assert moved(before, after, HEAD)
    text = "\n".join(outcome.lines)
    assert "trained    2 variables" in text
    assert "simclr/supervised_head/dense/kernel" in text
    assert "verified: encoder unchanged, weights " in text


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(-1, marks=pytest.mark.slow),
        pytest.param(0, marks=pytest.mark.slow),
        pytest.param(1, marks=pytest.mark.slow),
        2,
        pytest.param(3, marks=pytest.mark.slow),
    ],
)
def test_frozen_blocks_keep_weights_and_statistics(pretrained, tmp_path, after):
    outcome = tune(
        pretrained, tmp_path / "run", f"--fine_tune_after_block={after}"
    )
    frozen, trained = set(PARTS[: after + 1]), set(PARTS[after + 1 :])
    told = {
        name
        for name in PARTS
        if any(f"verified: {name} unchanged" in line for line in outcome.lines)
    }
    assert told == frozen
    before = values(pretrained, LAST)
    changed = moved(before, values(str(tmp_path / "run"), LAST), ENCODER)
    for kind in ("kernel", "moving_mean", "moving_variance"):
        parts = {n.partition("/")[0] for n in changed if kind in n}
        assert parts == trained


def test_a_zeroed_head_starts_at_chance(pretrained, tmp_path):
    tune(
        pretrained, tmp_path / "run", "--zero_init_logits_layer",
        "--train_steps=1",
    )  # fmt: skip
    first = metric_lines(tmp_path / "run")[0]
    assert first["train/supervised_loss"] == pytest.approx(
        math.log(10), abs=1e-6
    )


@pytest.mark.parametrize(
    ("selector", "layers"),
    [
        (1, {"layer1"}),
        pytest.param(0, set(), marks=pytest.mark.slow),
        pytest.param(
            -1, {"layer1", "layer2", "layer3"}, marks=pytest.mark.slow
        ),
    ],
)
def test_the_classifier_reads_a_layer_and_trains_up_to_it(
    pretrained, tmp_path, selector, layers
):
    tune(pretrained, tmp_path / "run", f"--ft_proj_selector={selector}")
    before = values(pretrained, LAST)
    changed = moved(before, values(str(tmp_path / "run"), LAST), PROJECTION)
    kernels = {n.partition("/")[0] for n in changed if "kernel" in n}
    assert kernels == layers


def test_few_labels_are_listed_and_passed_back_in(pretrained, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    outcome = tune(pretrained, first, "--labels_per_class=4")
    # Forty images are fewer than a batch of 64: they are repeated.
    assert "40 images" in "\n".join(outcome.lines)
    listed = (first / "labels.txt").read_text().splitlines()
    assert len([line for line in listed if not line.startswith("#")]) == 40
    again = tune(pretrained, second, f"--label_file={first}/labels.txt")
    assert not any("without a label" in line for line in again.lines)
    assert_same_values(values(str(first), LAST), values(str(second), LAST))


def test_a_list_that_has_changed_is_another_run(pretrained, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(map(str, range(40))))
    label_file = f"--label_file={listed}"
    tune(pretrained, tmp_path / "run", label_file)
    before = (tmp_path / "run" / "labels.txt").read_text()
    tune(pretrained, tmp_path / "run", label_file)
    listed.write_text("\n".join(map(str, range(40, 80))))
    outcome = run(
        *TUNE,
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/run",
        label_file,
    )
    assert outcome.code == 1
    assert outcome.lines[-1].startswith(
        "simclr-tf: label_file must name the images that this run began with"
    )
    assert (tmp_path / "run" / "labels.txt").read_text() == before


def test_from_scratch_nothing_is_taken(pretrained, tmp_path):
    tune(pretrained, tmp_path / "given", "--from_scratch")
    alone = run(*TUNE, "--from_scratch", f"--model_dir={tmp_path}/alone")
    assert alone.code == 0, alone.lines
    assert_same_values(
        values(f"{tmp_path}/given", LAST), values(f"{tmp_path}/alone", LAST)
    )


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(pretrained, tmp_path):
    whole = tmp_path / "whole"
    tune(pretrained, whole, "--label_fraction=0.1")
    half = shutil.copytree(whole, tmp_path / "half")
    for name in os.listdir(half):
        if name.startswith(f"ckpt-{LAST}"):
            os.remove(half / name)
    outcome = tune(pretrained, half, "--label_fraction=0.1")
    assert any("resumed at step 3" in line for line in outcome.lines)
    assert_same_values(values(str(whole), LAST), values(str(half), LAST))


@pytest.mark.slow
def test_permuted_test_labels_leave_every_weight(
    pretrained, tmp_path, permute_test_labels
):
    flags = ("--mode=train_then_eval", "--labels_per_class=4")
    tune(pretrained, tmp_path / "honest", *flags)
    permute_test_labels()
    tune(pretrained, tmp_path / "permuted", *flags)
    assert_same_values(
        values(f"{tmp_path}/honest", LAST), values(f"{tmp_path}/permuted", LAST)
    )
    ours, theirs = (
        (tmp_path / name / "result.json").read_text()
        for name in ("honest", "permuted")
    )
    assert ours != theirs


@pytest.mark.slow
def test_another_checkpoint_does_not_turn_a_run_that_goes_on(
    pretrained, tmp_path
):
    tune(pretrained, tmp_path / "run")
    copied = shutil.copytree(pretrained, tmp_path / "other")
    outcome = tune(copied, tmp_path / "run")
    (warning,) = [x for x in outcome.lines if "ignoring checkpoint=" in x]
    assert f"which started from {pretrained!r}" in warning


@pytest.mark.slow
def test_one_replica_equals_two(pretrained, tmp_path):
    flags = ("--train_steps=2", "--label_fraction=0.1", "--learning_rate=0.01")
    tune(pretrained, tmp_path / "one", *flags)
    outcome = tune(pretrained, tmp_path / "two", *flags, "--num_replicas=2")
    assert any("2 replicas" in line for line in outcome.lines)
    ours, theirs = (values(f"{tmp_path}/{n}", 2) for n in ("one", "two"))
    for key, value in ours.items():
        np.testing.assert_allclose(theirs[key], value, atol=SAME, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["lars", "adam", "lamb"])
def test_other_optimizers(pretrained, tmp_path, optimizer):
    tune(pretrained, tmp_path / "run", f"--optimizer={optimizer}")
    before = values(pretrained, LAST)
    after = values(str(tmp_path / "run"), LAST)
    assert moved(before, after, HEAD)
    assert moved(before, after, ENCODER)


@pytest.mark.slow
@pytest.mark.parametrize("command", PUBLISHED)
def test_the_published_commands_run(pretrained, tmp_path, command):
    outcome = run(
        *shlex.split(command),
        "--dataset=digits",
        f"--checkpoint={pretrained}",
        f"--model_dir={tmp_path}/run",
        "--image_size=8",
        "--proj_out_dim=8",
        "--train_steps=2",
        "--jit=off",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{tmp_path}/run/result.json") as file:
        assert 0 <= json.load(file)["eval/label_top_1_accuracy"] <= 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            [],
            "checkpoint must be given for train_mode=finetune, or "
            "from_scratch; got none",
        ),
        (
            ["--checkpoint={pretrained}", "--label_fraction=0.001"],
            "label_fraction must leave every class a label; class '0' of 142 "
            "images gets 0 by 0.001",
        ),
        (
            ["--checkpoint={pretrained}", "--label_file={own}/list.txt"],
            "label_file must name images of 'digits' split 'train'; "
            "'{own}/list.txt' names 1 unknown, first 'cat.png'",
        ),
        (
            ["--checkpoint={pretrained}", "--resnet_depth=18"],
            "resnet_depth must be 10, as in the checkpoint '{pretrained}'; "
            "got 18",
        ),
    ],
)
def test_mistakes_are_one_line(pretrained, tmp_path, arguments, line):
    (tmp_path / "list.txt").write_text("3\ncat.png\n")
    places = {"pretrained": pretrained, "own": tmp_path}
    outcome = run(
        *TUNE,
        f"--model_dir={tmp_path}/run",
        *(argument.format(**places) for argument in arguments),
    )
    assert outcome.code == 1
    assert outcome.lines[-1] == f"simclr-tf: {line.format(**places)}"
    assert not (tmp_path / "run").exists()
