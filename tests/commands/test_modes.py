"""What every mode runs, and in what order."""

import pytest

from simclr_tf.commands import modes
from simclr_tf.config import Config

PAIRS = [
    ({"mode": "train"}, ["pretrain"]),
    ({"mode": "train", "train_mode": "finetune"}, ["finetune"]),
    (
        {"mode": "train_then_eval", "train_mode": "distill", "teacher": "t"},
        ["distill", "evaluate follow=False"],
    ),
    ({"mode": "eval"}, ["evaluate"]),
    ({"mode": "eval", "num_seeds": 2}, ["evaluate", "evaluate"]),
    ({"mode": "export"}, ["export"]),
    ({"mode": "import"}, ["import_checkpoint"]),
    ({"mode": "plan"}, ["plan"]),
    ({"mode": "compare", "compare_with": "e"}, ["compare"]),
    ({"mode": "label_curve", "num_seeds": 2}, ["label_curve"]),
]


@pytest.fixture
def calls(monkeypatch):
    """Names of the tasks that were run, instead of running them."""
    seen = []

    def stand_in(name):
        def run(config, **options):
            words = [f"{key}={value}" for key, value in options.items()]
            seen.append(" ".join([name, *words]))

        return run

    for table in (modes._RUN, modes._TRAIN):
        for key, task in table.items():
            name = task.__module__.rpartition(".")[2]
            if name != "modes":
                monkeypatch.setitem(table, key, stand_in(name))
    monkeypatch.setattr(modes.evaluate, "run", stand_in("evaluate"))
    return seen


@pytest.mark.parametrize(("values", "expected"), PAIRS)
def test_every_mode_runs_its_tasks_in_order(calls, values, expected):
    modes.run(Config(dataset="digits", model_dir="d", checkpoint="c", **values))
    assert calls == expected


def test_every_choice_has_a_task():
    fields = {
        field.name: field for field in Config.__dataclass_fields__.values()
    }
    assert set(modes._RUN) == set(fields["mode"].metadata["choices"])
    assert set(modes._TRAIN) == set(fields["train_mode"].metadata["choices"])
