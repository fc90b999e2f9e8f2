"""How many rounds and cases fit a budget, on a clock of the test's own."""

import argparse

import pytest

from simclr_tf.benchmarks import budget


class Clock:
    now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(budget, "time", made)
    return made


def make(secs, repeats=5, **named):
    options = argparse.Namespace(budget_secs=secs, repeats=repeats)
    return budget.Budget(options, **named)


def count(share, clock, secs, **named):
    """Rounds that each take `secs`."""
    rounds = []
    for number in share.rounds("it", **named):
        rounds.append(number)
        clock.now += secs
    return rounds


def test_all_rounds_where_there_is_time(clock):
    assert count(make(100), clock, 1.0) == [0, 1, 2, 3, 4, 5]
    assert count(make(100), clock, 1.0, warms_up=False) == [1, 2, 3, 4, 5]


def test_as_many_as_fit_but_one(clock):
    assert count(make(35), clock, 10.0) == [0, 1, 2]
    assert count(make(5), clock, 10.0) == [0, 1]
    assert count(make(0), clock, 10.0, warms_up=False) == [1]


def test_what_one_leaves_over_goes_to_the_next(clock):
    share = make(40, parts=2)
    assert count(share, clock, 5.0) == [0, 1, 2, 3]
    assert clock.now == 20.0
    share = make(40, parts=2)
    assert count(share, clock, 0.1) == [0, 1, 2, 3, 4, 5]
    assert count(share, clock, 12.0) == [0, 1, 2]


def test_a_measurement_too_many_still_has_a_round(clock):
    share = make(10, parts=1)
    assert count(share, clock, 10.0) == [0, 1]
    assert count(share, clock, 10.0) == [0, 1]


def test_cases_while_there_is_time_and_the_others_named(clock, capsys):
    seen = []
    for name in make(15).cases(iter(["a", "b", "c", "d"])):
        seen.append(name)
        clock.now += 10.0
    assert seen == ["a", "b"]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[0 of 15 s] a, 1 of 4"
    assert "left out: c, d; more --budget_secs" in lines[-1]
    assert list(make(0).cases(["a"])) == ["a"]


def test_progress_is_told_as_it_is_made(clock, capsys):
    rounds = make(100, repeats=1).rounds("float32")
    next(rounds)
    clock.now += 7.0
    assert capsys.readouterr().err == (
        "[0 of 100 s] float32: the first round, which does not count\n"
    )
    next(rounds)
    assert capsys.readouterr().err == (
        "[7 of 100 s] float32: round 1 of at most 1\n"
    )
