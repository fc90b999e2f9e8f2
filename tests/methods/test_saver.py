"""How often a run saves: as it was told, or not many times a minute."""

import types

import pytest

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.methods import saving


class Log(list):
    """Stands for checkpoints and for the lock, and notes what is called."""

    def save(self):
        self.append("save")

    def check(self):
        self.append("check")


def make_saver(log, lock, **values):
    """Of a run of six steps."""
    config = Config(model_dir="d", **values)
    plan = types.SimpleNamespace(total_steps=6)
    return saving.Saver(config, plan, log, lock, step=0)


def steps_saved(monkeypatch, *, secs_per_step, **values):
    """Steps of six at which a run of so slow steps saves."""
    now = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    log, saved = Log(), []
    saver = make_saver(log, Log(), **values)
    for step in range(1, 7):
        now[0] += secs_per_step
        before = len(log)
        saver.save_if_due(step)
        saved += [step] * (len(log) - before)
    return saved


def test_unasked_it_saves_half_a_minute_apart_and_at_the_end(monkeypatch):
    assert steps_saved(monkeypatch, secs_per_step=1.0) == [6]
    assert steps_saved(monkeypatch, secs_per_step=16.0) == [2, 4, 6]
    assert steps_saved(monkeypatch, secs_per_step=31.0) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["checkpoint_steps", "checkpoint_epochs"])
def test_what_is_asked_for_is_done(monkeypatch, name):
    found = steps_saved(monkeypatch, secs_per_step=0.1, **{name: 1})
    assert found == [1, 2, 3, 4, 5, 6]


def test_it_looks_at_the_lock_first():
    class Lost(Log):
        def check(self):
            raise errors.UserError("taken over")

    log = Log()
    with pytest.raises(errors.UserError, match="taken over"):
        make_saver(log, Lost()).save(1)
    assert log == []


def test_before_leaving_it_saves_what_is_not_saved_yet():
    log = Log()
    saver = make_saver(log, Log())
    saver.save_before_leaving(0)
    assert log == []
    saver.save_before_leaving(2)
    saver.save_before_leaving(2)
    assert log == ["save"]
