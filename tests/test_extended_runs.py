"""`--extend`: a finished run is trained longer, by one more schedule."""

import json
import shutil

import pytest
from command_line import (
    TINY,
    assert_same_values,
    metric_lines,
    run,
    values,
)

from simclr_tf.optim import schedules

FIRST, LAST = 6, 12
LONGER = (*TINY, f"--train_steps={LAST}", "--extend", "--checkpoint_steps=2")


def done(*arguments, traced=False):
    outcome = run(*arguments, traced=traced)
    assert outcome.code == 0, outcome.lines
    return outcome.lines


def refused(*arguments):
    outcome = run(*arguments)
    assert outcome.code == 1
    return outcome.lines[-1].removeprefix("simclr-tf: ")


def record(directory):
    return json.loads((directory / "config.json").read_text())


@pytest.fixture
def finished(pretrained, tmp_path):
    """A copy of a run of `FIRST` steps."""
    return shutil.copytree(pretrained, tmp_path / "run")


@pytest.fixture(scope="module")
def extended(pretrained, tmp_path_factory):
    """Directory and log of the run, extended to `LAST` steps."""
    directory = tmp_path_factory.mktemp("extended") / "run"
    shutil.copytree(pretrained, directory)
    return directory, done(*LONGER, f"--model_dir={directory}")


def test_it_goes_on_from_the_last_weights(extended, pretrained):
    directory, lines = extended
    assert any(line.startswith(f"resumed at step {FIRST}: ") for line in lines)
    assert any(f"began at step {FIRST}" in line for line in lines)
    assert record(directory)["facts"]["schedule_starts"] == [FIRST]
    assert record(directory)["config"]["train_steps"] == LAST
    assert values(directory, LAST).keys() == values(pretrained, FIRST).keys()


def test_the_rate_is_that_of_a_new_schedule(extended):
    directory, _ = extended
    rates = {
        row["step"]: row["learning_rate"] for row in metric_lines(directory)
    }
    peak = 0.3 * 64 / 256
    expected = schedules.warmup_cosine(
        1, peak=peak, warmup_steps=0, total_steps=LAST - FIRST
    )
    assert rates[FIRST + 1] == pytest.approx(float(expected))
    assert rates[LAST] == 0


@pytest.mark.parametrize(
    "flags", [LONGER, [f for f in LONGER if f != "--extend"]]
)
def test_killed_and_resumed_it_is_the_same(extended, tmp_path, flags):
    """By the same command, or by that without the flag: it is recorded."""
    directory = shutil.copytree(extended[0], tmp_path / "run")
    for path in (*directory.glob("ckpt-12*"), *directory.glob("ckpt-10*")):
        path.unlink()
    lines = done(*flags, f"--model_dir={directory}")
    assert any(line.startswith("resumed at step 8: ") for line in lines)
    assert_same_values(values(directory, LAST), values(extended[0], LAST))
    assert record(directory)["facts"] == record(extended[0])["facts"]


def test_killed_before_its_first_checkpoint_too(extended, finished):
    """Only the record says then that it was extended."""
    shutil.copy(extended[0] / "config.json", finished)
    done(*LONGER, f"--model_dir={finished}")
    assert_same_values(values(finished, LAST), values(extended[0], LAST))


def test_a_damaged_last_checkpoint_costs_no_other_schedule(extended, finished):
    """The steps before the extension are made again as they were."""
    shutil.copy(extended[0] / "config.json", finished)
    (finished / f"ckpt-{FIRST}.index").write_bytes(b"")
    done(*LONGER, f"--model_dir={finished}")
    assert_same_values(values(finished, LAST), values(extended[0], LAST))


def test_it_may_be_extended_again_and_scored(extended, tmp_path, no_export):
    directory = shutil.copytree(extended[0], tmp_path / "run")
    done(
        *LONGER,
        "--train_steps=14",
        "--mode=train_then_eval",
        f"--model_dir={directory}",
    )
    assert record(directory)["facts"]["schedule_starts"] == [FIRST, LAST]
    result = json.loads((directory / "result.json").read_text())
    assert result["global_step"] == 14


@pytest.mark.slow
def test_epochs_do_as_well_as_steps(finished):
    """Of 1437 images 22 steps of 64 are an epoch, and one more."""
    done(
        *TINY,
        "--train_steps=0",
        "--train_epochs=1",
        "--extend",
        "--jit=off",
        f"--model_dir={finished}",
    )
    assert record(finished)["facts"]["train_steps"] == 23


def test_without_the_flag_the_line_names_it(finished):
    before = record(finished)
    line = refused(*TINY, f"--train_steps={LAST}", f"--model_dir={finished}")
    assert line == (
        f"model_dir must hold no other run; '{finished}' has train_steps=6, "
        "asked for train_steps=12; to train a finished run longer add "
        "--extend, which starts a new schedule from its last weights"
    )
    assert record(finished) == before


@pytest.mark.parametrize(
    ("flag", "named"),
    [
        ("--train_steps=4", "has train_steps=6, asked for train_steps=4"),
        ("--temperature=0.5", "has temperature=0.1, asked for temperature=0.5"),
        ("--dataset=folder:nowhere", "dataset must be a folder that exists"),
        ("--train_split=test", "has train_split='train', asked for"),
    ],
)
def test_nothing_else_may_change(finished, flag, named):
    before = record(finished)
    assert named in refused(*LONGER, flag, f"--model_dir={finished}")
    assert record(finished) == before


def test_a_run_that_is_not_finished_is_finished_first(finished):
    for path in finished.glob(f"ckpt-{FIRST}*"):
        path.unlink()
    line = refused(*LONGER, f"--model_dir={finished}")
    assert line == (
        f"model_dir must hold a finished run to extend; '{finished}' is at "
        "step 3 of 6: finish it first, by the command it was begun with"
    )


def test_there_must_be_one(tmp_path):
    line = refused(*LONGER, f"--model_dir={tmp_path}/run")
    assert line.startswith("model_dir must hold a finished run to extend; got")
    assert not (tmp_path / "run").exists()


def test_a_finished_extension_is_complete(extended):
    lines = done(*LONGER, f"--model_dir={extended[0]}")
    assert f"this run is complete: step {LAST}" in lines


@pytest.mark.parametrize("starts", [["6"], [6, 6], [14], [0], 5])
def test_a_record_that_no_run_has_written_is_damage(extended, tmp_path, starts):
    directory = shutil.copytree(extended[0], tmp_path / "run")
    content = record(directory)
    content["facts"]["schedule_starts"] = starts
    (directory / "config.json").write_text(json.dumps(content))
    line = refused(*LONGER, f"--model_dir={directory}")
    assert line.startswith("model_dir must hold a whole config.json; ")
