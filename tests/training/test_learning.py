"""What a run says of its learning, and when it warns."""

import pytest

from simclr_tf.training import learning

CHANCE = learning.Chance(loss=4.0, accuracy=0.125)
TOTAL = 1000


def make(total_steps=TOTAL):
    return learning.Learning(
        total_steps=total_steps,
        headline=("contrast_loss", "contrast_acc"),
        chance=CHANCE,
    )


def metrics(loss, accuracy=0.5):
    return {"contrast_loss": loss, "contrast_acc": accuracy, "other": 0.0}


def test_the_summary_is_of_the_last_steps():
    seen = make()
    seen.add(500, metrics(100.0, 0.0))
    seen.add(5, metrics(1.0, 0.5))
    seen.add(15, metrics(2.0, 0.9))
    line = seen.summary([("kNN", "71.3%")])
    assert line == (
        "learned: loss 2.000 (chance 4.000), contrast_acc 90.0% (chance "
        "12.50%), kNN 71.3%"
    )


def test_means_are_weighted_by_steps():
    seen = make()
    seen.add(1, metrics(1.0, 0.0))
    seen.add(3, metrics(2.0, 1.0))
    assert "loss 1.750" in seen.summary([])
    assert "contrast_acc 75.0%" in seen.summary([])


@pytest.mark.parametrize("loss", [4.0, 3.9999, 5.0])
def test_a_loss_at_or_above_chance_is_warned_of_once(loss):
    seen = make()
    seen.add(49, metrics(loss))
    assert seen.early_warning(49) is None
    seen.add(1, metrics(loss))
    warning = seen.early_warning(50)
    assert warning.startswith(f"after 50 steps the loss, {loss:.3f}, is not")
    assert seen.early_warning(51) is None
    assert seen.final_warning().startswith("at the end of training")


def test_a_loss_below_chance_is_not():
    seen = make()
    seen.add(60, metrics(3.9))
    assert seen.early_warning(60) is None
    assert seen.final_warning() is None


def test_a_high_start_does_not_count_later():
    seen = make()
    seen.add(40, metrics(50.0))
    seen.add(10, metrics(3.0))
    assert seen.early_warning(50) is None


def test_a_run_of_a_few_steps_is_judged_at_its_end():
    seen = make(total_steps=6)
    seen.add(6, metrics(5.0))
    assert seen.early_warning(6) is None
    assert seen.final_warning()


def test_the_last_step_has_no_early_warning():
    seen = make(total_steps=20)
    seen.add(20, metrics(5.0))
    assert seen.early_warning(20) is None
    assert seen.final_warning()
