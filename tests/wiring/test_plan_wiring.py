"""A plan announces and times the very training that is configured.

What each field changes in a training is shown in `test_training_wiring.py`;
here, that the training that is timed has the field.
"""

import shutil

import pytest
import task_calls
from task_lines import ARCHITECTURE, STARTED
from wiring_line import differ, used_in

from simclr_tf.config import uses

TIMED = {
    **{k: v for k, v in STARTED.items() if k in used_in("plan")},
    **ARCHITECTURE,
    "warmup_epochs": 0.5, "seed": 1, "checkpoint": "elsewhere",
    "data_dir": "a", "dataset": "cifar10",
    "train_split": "train[:70]", "memory_limit_mb": 1, "max_image_pixels": 999,
    "check_images": "none",
    "temperature": 0.5, "hidden_norm": False, "color_jitter_strength": 0.5,
    "color_jitter_impl": "v1", "use_blur": False, "microbatch_size": 4,
    "nt_xent": "streaming", "lineareval_while_pretraining": False,
}  # fmt: skip
OF_TEACHERS = {
    "teacher": "elsewhere", "distill_temperature": 2.0, "distill_alpha": 0.5,
    "unlabelled_dataset": "digits", "unlabelled_split": "test[:9]",
}  # fmt: skip
GIVEN = {
    "pretrain": {},
    "finetune": {},
    "distill": {"teacher": "theirs"},
}
NEEDED = {
    "label_fraction": {"distill_alpha": 0.5},
    "labels_per_class": {"distill_alpha": 0.5},
    "label_file": {"distill_alpha": 0.5},
    "unlabelled_split": {"unlabelled_dataset": "digits"},
    "fine_tune_after_block": {"checkpoint": "ours"},
}
NOT_TIMED = {"checkpoint_steps", "checkpoint_epochs", "model_dir"}
ELSEWHERE = {"mode", "train_mode", "preset", "tf32"}


def planned(train_mode):
    """Names of the fields that a plan of this training uses."""
    names = [n for n in used_in("plan") if n in used_in(train_mode)]
    return [name for name in names if name not in ELSEWHERE]


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """Another value for every field that a plan uses."""
    path = tmp_path_factory.mktemp("plan") / "labels.txt"
    path.write_text("\n".join(map(str, range(20))))
    few = {
        "label_fraction": 0.5, "labels_per_class": 1, "label_file": str(path),
        "fine_tune_after_block": 2, "model_dir": "elsewhere",
    }  # fmt: skip
    return TIMED | OF_TEACHERS | few


@pytest.fixture(scope="module")
def plan_of(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("here"))

    def plan(**given):
        shutil.rmtree(directory, ignore_errors=True)
        return task_calls.TaskCalls(
            **{"mode": "plan", "model_dir": directory, "warmup_epochs": 0,
               "train_batch_size": 8, "train_steps": 9} | given
        )  # fmt: skip

    return plan


@pytest.mark.parametrize("train_mode", uses.TRAINING)
def test_every_field_reaches_the_timed_training(train_mode, plan_of, values):
    for group in groups(planned(train_mode)):
        given = {"train_mode": train_mode} | GIVEN[train_mode]
        for name in group:
            if train_mode == "distill" or "alpha" not in str(NEEDED.get(name)):
                given |= NEEDED.get(name, {})
        wanted = {name: values[name] for name in group}
        calls = plan_of(**given | wanted).calls
        for name in set(group) - NOT_TIMED:
            assert calls[f"built.{name}"] == [repr(wanted[name])], name
            assert calls[f"timed.{name}"] == [repr(wanted[name])], name


def groups(names):
    """Fields that can be set together; those that exclude others alone."""
    alone = {
        "label_fraction", "labels_per_class", "label_file", "proj_head_mode",
        "train_steps", "fine_tune_after_block",
    }  # fmt: skip
    yield [name for name in names if name not in alone]
    yield from ([name] for name in names if name in alone)


@pytest.mark.parametrize("name", ["checkpoint_steps", "checkpoint_epochs"])
def test_what_is_announced(name, plan_of, capsys):
    plan_of()
    before = capsys.readouterr().out
    plan_of(**{name: 3})
    assert differ(before, capsys.readouterr().out)
