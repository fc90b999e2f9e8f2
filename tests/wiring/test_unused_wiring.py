"""A field that is said to be unused changes nothing, or is refused."""

import shutil

import pytest
import task_calls
import test_task_wiring
import test_training_wiring
import training_parts
from wiring_line import differ, unused_in

from simclr_tf import errors
from simclr_tf.config import Config, uses

NEVER = {"master": "m", "eval_name": "n", "train_summary_steps": 7}
ENDS = {"mode", "train_mode", "eval_protocol", "preset", "num_seeds", "tf32"}
"""What would make it another activity, or belongs to the whole process."""
REFUSED_LATER = {"label_curve": {"microbatch_size", "knn_every_epochs"}}
"""By the trainings that are started, before anything is written."""
RECORDS = {"replace.metadata"}
"""An export records the flags of its run, whatever they changed."""
PASSED_ON = ("run.", "scored.")
"""A curve passes its whole configuration on, the unused fields with it."""


def other_values():
    """Another value for every field, out of the lines where it is used."""
    tables = test_task_wiring.TABLES | test_training_wiring.TABLES
    rows = [pair for table in tables.values() for pair in table.items()]
    plain = {name: row.value for name, row in rows if "@" not in str(row.value)}
    return plain | NEVER


def unused_values(activity, given):
    """The unused fields that are not refused, with other values."""
    values = other_values()
    skipped = {*ENDS, *given, *REFUSED_LATER.get(activity, ())}
    kept = {}
    for name in unused_in(activity):
        if name in skipped or name not in values:
            continue
        try:
            Config(**given | kept | {name: values[name]})
        except errors.UserError:  # refused, which is as good
            continue
        kept[name] = values[name]
    return kept


def compared(calls, names):
    """What calls were given, without fields that are only passed on."""
    passed = RECORDS | {prefix + name for prefix in PASSED_ON for name in names}
    return {name: text for name, text in calls.items() if name not in passed}


@pytest.mark.parametrize("activity", test_task_wiring.TABLES)
def test_modes_without_training(activity, tmp_path):
    given = {
        "model_dir": str(tmp_path / "run"), "checkpoint": "ours/ckpt-7",
    } | test_task_wiring.GIVEN[activity]  # fmt: skip
    if activity == "compare":
        del given["checkpoint"]
    unused = unused_values(activity, task_calls.BASE | given)
    assert set(NEVER) <= set(unused)

    before = task_calls.TaskCalls(**given)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    after = task_calls.TaskCalls(**given | unused)
    names = set(unused)
    assert compared(before.calls, names) == compared(after.calls, names)
    assert before.outcome("result") == after.outcome("result")


@pytest.mark.parametrize("activity", uses.TRAINING)
def test_trainings(activity, trained, baseline):
    given = {"model_dir": "d"} | test_training_wiring.GIVEN[activity]
    given = {k: trained if v == "@trained" else v for k, v in given.items()}
    unused = unused_values(activity, training_parts.BASE | given)
    assert set(NEVER) <= set(unused)
    before, after = baseline(**given), baseline(**given | unused)
    assert before.calls == after.calls
    for name in ("weights", "statistics", "views", "crops"):
        assert not differ(getattr(before, name), getattr(after, name)), name
