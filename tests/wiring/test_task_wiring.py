"""Every field that a mode without training uses changes something there."""

import functools
import shutil

import pytest
import task_calls
import task_lines
from training_lines import ELSEWHERE
from wiring_line import changed_together, check_changes, line, used_in

NUM_TEST = 47
"""Not the size of any part of the training images."""
OTHER_PROTOCOL = {"online": "frozen", "frozen": "online", "transfer": "online"}
TABLES = {
    "online": task_lines.ONLINE,
    "frozen": task_lines.FROZEN,
    "transfer": task_lines.TRANSFER,
    "label_curve": task_lines.CURVE,
    "export": task_lines.EXPORT,
    "import": task_lines.IMPORT,
    "compare": {
        "model_dir": line("@other", "model_dir.path"),
        "compare_with": line("elsewhere", "compare_with.path"),
    },
}
GIVEN = {
    "online": {"mode": "eval"},
    "frozen": {"mode": "eval", "eval_protocol": "frozen"},
    "transfer": {
        "mode": "eval", "eval_protocol": "transfer", **task_lines.SETS,
    },
    "label_curve": {"mode": "label_curve", "label_fractions": (0.5,)},
    "export": {"mode": "export"},
    "import": {"mode": "import"},
    "compare": {"mode": "compare", "compare_with": "theirs"},
}  # fmt: skip


def used(activity):
    """Names of the fields that have a line here."""
    elsewhere = set(ELSEWHERE) - {"train_mode"}
    if activity == "label_curve":
        elsewhere -= {"num_seeds"}
    return [name for name in used_in(activity) if name not in elsewhere]


@pytest.fixture(scope="module")
def run_of(tmp_path_factory):
    """`run_of(**values)` is a `TaskCalls`, made once for the same values."""
    root = tmp_path_factory.mktemp("tasks")
    places = {"@here": root / "here", "@other": root / "other",
              "@cache": root / "cache"}  # fmt: skip
    places = {name: str(path) for name, path in places.items()}

    @functools.cache
    def run(**values):
        found = {
            k: places.get(v, v) if isinstance(v, str) else v
            for k, v in values.items()
        }
        shutil.rmtree(found["model_dir"], ignore_errors=True)
        return task_calls.TaskCalls(**found)

    return run


def cases():
    return [
        pytest.param(activity, name, id=f"{activity}-{name}")
        for activity in TABLES
        for name in used(activity)
    ]


@pytest.mark.parametrize(("activity", "name"), cases())
def test_a_field_changes_what_it_should(activity, name, run_of):
    assert name in TABLES[activity], (
        f"{activity} uses {name}: say in task_lines what it changes there"
    )
    row = TABLES[activity][name]
    given = {
        "model_dir": "@here", "checkpoint": "ours/ckpt-7",
    } | GIVEN[activity] | row.given  # fmt: skip
    changed = changed_together(TABLES[activity], name)
    if name == "eval_protocol":
        changed[name] = OTHER_PROTOCOL[activity]
    before, after = run_of(**given), run_of(**given | changed)
    check_changes(before.outcome, after.outcome, row)


@pytest.mark.parametrize("activity", TABLES)
def test_no_line_is_left_over(activity):
    assert set(TABLES[activity]) <= set(used(activity))


@pytest.mark.parametrize("activity", ["frozen", "label_curve"])
def test_features_are_scaled_by_training_images(activity, run_of):
    given = {"model_dir": "@here", "checkpoint": "ours/ckpt-7"}
    found = run_of(
        **given | GIVEN[activity],
        train_split="train[:60]",
        eval_split=f"test[:{NUM_TEST}]",
    )
    sizes = set(map(int, found.calls["scaling_of.images"]))
    assert max(sizes) == 60
    assert NUM_TEST not in sizes
