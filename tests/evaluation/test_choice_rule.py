"""One rule of choice, against the rule written out in loops."""

import numpy as np
import pytest

from simclr_tf.evaluation import choice

L2 = choice.Axis("l2", (0.1, 1.0, 10.0, 100.0, 1000.0))
GRID = (
    choice.Axis("k", (1, 5, 10), bounds=(1,)),
    choice.Axis("t", (0.1, 0.2, 0.5, 1.0)),
)
NUM = 50


def trials_of(scores, likelihoods=None, axis=L2):
    likelihoods = likelihoods or [0.0] * len(scores)
    return [
        choice.Trial({axis.name: value}, score, likelihood)
        for value, score, likelihood in zip(
            axis.values, scores, likelihoods, strict=True
        )
    ]


def chosen(*args, num_held=NUM):
    trials = trials_of(*args)
    return choice.best(iter(trials), (L2,), num_held=num_held).setting["l2"]


def slow_best(trials, axes, num_held):
    """The rule of the module, setting by setting."""
    top = max(trial.score for trial in trials)
    equal = [t for t in trials if top - t.score <= 1 / num_held + 1e-9]
    top = max(t.log_likelihood for t in equal)
    equal = [t for t in equal if top - t.log_likelihood <= 1e-3]
    places = [
        tuple(axis.values.index(t.setting[axis.name]) for axis in axes)
        for t in equal
    ]
    least, found = None, None
    for place, trial in sorted(zip(places, equal, strict=True), reverse=True,
                               key=lambda pair: pair[0]):  # fmt: skip
        distance = 0
        for number in range(len(axes)):
            column = [p[number] for p in places]
            width = max(column) - min(column)
            middle = (max(column) + min(column)) / 2
            if width:
                distance += abs(place[number] - middle) / width
        if least is None or distance < least - 1e-9:
            least, found = distance, trial.setting
    return found


@pytest.mark.parametrize("seed", range(40))
def test_equals_the_rule_written_out(seed):
    generator = np.random.default_rng(seed)
    trials = [
        choice.Trial(
            {"k": k, "t": t},
            generator.integers(40, 44) / NUM,
            float(generator.choice([-0.5, -0.4995, -0.4])),
        )
        for k in GRID[0].values
        for t in GRID[1].values
    ]
    found = choice.best(trials, GRID, num_held=NUM)
    assert found.setting == slow_best(trials, GRID, NUM)
    assert found.trials == tuple(trials)


def test_the_best_score_wins():
    assert chosen([0.5, 0.9, 0.5, 0.6, 0.7], [0, -1, 0, 0, 0]) == 1.0


def test_equal_scores_are_told_apart_by_likelihood():
    assert chosen([0.9] * 5, [-0.5, -0.4, -0.3, -0.6, -2.0]) == 10.0


def test_one_image_makes_no_difference():
    scores = [0.5, 0.88, 0.9, 0.5, 0.5]
    assert chosen(scores, [0, -0.1, -0.2, 0, 0], num_held=50) == 1.0
    assert chosen(scores, [0, -0.1, -0.2, 0, 0], num_held=200) == 10.0


def test_what_is_equal_in_all_is_taken_from_the_middle():
    assert chosen([0.9] * 5) == 10.0
    assert chosen([0.1, 0.1, 0.9, 0.9, 0.9]) == 100.0
    assert chosen([0.1, 0.9, 0.9, 0.1, 0.1]) == 10.0  # the stronger of two
    trials = [
        choice.Trial({"k": k, "t": t}, 0.5, 0.0)
        for k in GRID[0].values
        for t in GRID[1].values
    ]
    setting = choice.best(trials, GRID, num_held=NUM).setting
    assert setting == {"k": 5, "t": 0.5}


def test_no_number_is_the_worst():
    assert chosen([np.nan, 0.1, np.nan, np.nan, np.nan]) == 1.0
    assert chosen([-np.inf] * 5, [-np.inf] * 5) == 10.0
    assert chosen([0.5] * 5, [np.nan, -np.inf, -9.0, np.nan, np.nan]) == 10.0


def test_the_score_of_a_choice():
    found = choice.best(
        trials_of([0.1, 0.2, 0.9, 0.2, 0.1]), (L2,), num_held=NUM
    )
    assert found.score == 0.9
    assert choice.Choice({"l2": 3.0}).score is None


def test_the_middle_of_the_grid():
    assert choice.middle(GRID) == {"k": 5, "t": 0.5}


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ({"k": 1, "t": 0.1}, ["t"]),
        ({"k": 5, "t": 0.2}, []),
        ({"k": 10, "t": 1.0}, ["k", "t"]),
    ],
)
def test_ends_are_those_beyond_which_something_lies(setting, names):
    assert [axis.name for axis in choice.ends(setting, GRID)] == names


def test_two_values_have_no_ends():
    axis = choice.Axis("l2", (0.1, 1.0))
    assert choice.ends({"l2": 0.1}, (axis,)) == []
