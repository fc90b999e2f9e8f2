"""What the trainings of a label-efficiency curve are asked to do."""

import pytest

from simclr_tf.commands.curve import trainings
from simclr_tf.config import Config


def curve(**changes):
    return Config(
        mode="label_curve",
        model_dir="dir",
        checkpoint="run",
        train_mode="finetune",
        fine_tune_after_block=2,
        train_epochs=30,
        learning_rate=0.1,
        num_seeds=3,
        **changes,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (60, 0, 0.1)),
        ({"train_steps": 100}, (60, 200, 0.1)),
        ({"scratch_train_epochs": 90}, (90, 0, 0.1)),
        # Epochs that were asked for are not lost to steps that were.
        ({"scratch_train_epochs": 90, "train_steps": 100}, (90, 0, 0.1)),
        ({"scratch_learning_rate": 0.4}, (60, 0, 0.4)),
    ],
)
def test_the_baseline_has_a_length_and_a_rate_of_its_own(changes, expected):
    run = trainings.of_run(curve(**changes), "scratch", 0.1, 1)
    assert (run.train_epochs, run.train_steps, run.learning_rate) == expected
    assert (run.from_scratch, run.fine_tune_after_block) == (True, -1)


def test_fine_tuning_is_as_asked_for():
    asked = curve(train_steps=100, scratch_train_epochs=90)
    run = trainings.of_run(asked, "finetune", 0.015, 2)
    assert (run.train_epochs, run.train_steps) == (30, 100)
    assert (run.from_scratch, run.fine_tune_after_block) == (False, 2)
    assert (run.label_fraction, run.seed, run.num_seeds) == (0.015, 2, 1)
    assert run.model_dir == "dir/finetune/1.5pct/seed_2"
