import logging as python_logging

import pytest

from simclr_tf.training import progress

METRICS = {"contrast_loss": 4.0, "contrast_acc": 0.25}


def make_progress(total=10, start=0):
    return progress.Progress(
        total_steps=total,
        start_step=start,
        batch_size=8,
        headline=("contrast_loss", "contrast_acc"),
        chance_loss=5.416,
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (75, "1:15"), (3675, "1:01:15"), (float("nan"), "?")],
)
def test_durations(seconds, text):
    assert progress.format_secs(seconds) == text


def test_means_are_weighted_by_steps():
    shown = make_progress()
    shown.add(1, 1, METRICS)
    shown.add(4, 3, METRICS | {"contrast_loss": 2.0})
    means = shown.take(4, 0.1)
    assert means["contrast_loss"] == pytest.approx(2.5)
    assert means["images_per_sec"] > 0


def test_the_first_and_the_last_step_are_always_shown():
    shown = make_progress()
    shown.add(1, 1, METRICS)
    assert shown.is_due(1, every_secs=1e9)
    shown.take(1, 0.1)
    shown.add(2, 1, METRICS)
    assert not shown.is_due(2, every_secs=1e9)
    assert shown.is_due(2, every_secs=0)
    shown.add(10, 8, METRICS)
    assert shown.is_due(10, every_secs=1e9)


def test_a_resumed_run_shows_its_first_step_too():
    shown = make_progress(start=5)
    shown.add(6, 1, METRICS)
    assert shown.is_due(6, every_secs=1e9)


def test_the_line_has_what_a_person_needs(caplog):
    shown = make_progress()
    shown.add(1, 1, METRICS)
    with caplog.at_level(python_logging.INFO, logger="absl"):
        shown.take(1, 0.125)
        shown.add(2, 1, METRICS)
        shown.take(2, 0.125)
    first, second = caplog.messages
    for part in ("loss 4.000", "chance 5.416", "contrast_acc", "lr 0.125"):
        assert part in first
        assert part in second
    assert first.startswith("step 1/10  ")
    # The first call compiles: its time says nothing of the others'.
    for part in ("images/s", "ETA"):
        assert part not in first
        assert part in second


def test_the_second_call_tells_how_long_it_takes(caplog):
    shown = make_progress()
    with caplog.at_level(python_logging.INFO, logger="absl"):
        shown.tell_first_speed(0)
        for step in (1, 2, 3):
            shown.add(step, 1, METRICS)
            if shown.is_due(step, every_secs=1e9):
                shown.take(step, 0.125)
            else:
                shown.tell_first_speed(step)
    _, line = caplog.messages
    assert line.startswith("step 2/10  ")
    assert "images/s  ETA" in line
    shown.add(4, 1, METRICS | {"contrast_loss": 1.0})
    assert shown.take(4, 0.1)["contrast_loss"] == pytest.approx(3.0)


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    shown = make_progress()
    shown.add(5, 5, METRICS)
    shown.take(5, 0.125)
    shown.close()
    bar = capsys.readouterr().err
    assert "5/10" in bar
    assert "loss 4.000 (chance 5.416)" in bar
