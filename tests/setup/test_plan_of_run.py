"""The numbers of a run, from configuration and data."""

import types

import pytest

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.setup import plan_of_run


def source(num_examples=100, num_classes=3):
    return types.SimpleNamespace(
        num_examples=num_examples,
        num_classes=num_classes,
        class_names=num_classes and tuple("abc"[:num_classes]),
        file_list="f00d",
    )


def config(**values):
    defaults = {
        "model_dir": "d",
        "train_batch_size": 10,
        "train_epochs": 4,
        "warmup_epochs": 1,
    }
    return Config(**defaults | values)


def test_epochs_become_steps_once():
    plan = plan_of_run.make_plan(config(), source(), 2)
    # As in the official code: 400 images in batches of 10, and one step.
    assert plan == plan_of_run.Plan(
        num_replicas=2,
        total_steps=41,
        warmup_steps=10,
        checkpoint_steps=10,
        num_classes=3,
    )
    assert plan_of_run.facts(source(), plan) == {
        "num_examples": 100,
        "num_classes": 3,
        "class_names": ["a", "b", "c"],
        "train_steps": 41,
        "file_list": "f00d",
    }


@pytest.mark.parametrize(
    ("values", "num_classes"),
    [({}, None), ({"lineareval_while_pretraining": False}, 3)],
)
def test_no_probe(values, num_classes):
    found = plan_of_run.make_plan(
        config(**values), source(num_classes=num_classes), 1
    )
    assert found.num_classes is None
    facts = plan_of_run.facts(source(num_classes=num_classes), found)
    assert facts["class_names"] is None


@pytest.mark.parametrize("replicas", [3, 4, 20])
def test_replicas_must_divide_the_batch(replicas):
    with pytest.raises(errors.UserError) as caught:
        plan_of_run.make_plan(config(), source(), replicas)
    assert str(caught.value) == (
        "train_batch_size must be divisible by the number of replicas, "
        f"{replicas}; got 10"
    )


def test_the_batch_may_be_the_whole_set_and_no_more():
    values = {"train_epochs": 4, "warmup_epochs": 0}
    whole = config(train_batch_size=100, **values)
    assert plan_of_run.make_plan(whole, source(), 1).total_steps == 5
    larger = config(train_batch_size=101, **values)
    with pytest.raises(errors.UserError, match="at most the number of"):
        plan_of_run.make_plan(larger, source(), 1)


def test_warmup_must_end_before_training():
    with pytest.raises(errors.UserError, match="warmup_epochs must be"):
        plan_of_run.make_plan(config(warmup_epochs=5), source(), 1)
