import pathlib

import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.config import Config

GOOD = [
    ("learning_rate", 1, 1.0),
    ("learning_rate", np.float32(0.5), 0.5),
    ("train_batch_size", np.int64(64), 64),
    ("model_dir", pathlib.Path("runs/a"), "runs/a"),
    ("probe_l2", [1, 0.5], (1.0, 0.5)),
    ("eval_label_budgets", ["1", "1%", "all"], ("1", "1%", "all")),
    ("eval_baselines", [], ()),
    ("checkpoint", None, None),
    ("width_multiplier", 2, 2.0),
]
BAD = [
    ("learning_rate", "0.1", "finite number"),
    ("learning_rate", True, "finite number"),
    ("learning_rate", float("nan"), "finite number"),
    ("learning_rate", float("inf"), "finite number"),
    ("learning_rate", None, "finite number"),
    ("train_batch_size", 64.0, "whole number"),
    ("train_batch_size", True, "whole number"),
    ("use_blur", 1, "True or False"),
    ("use_blur", "False", "True or False"),
    ("dataset", None, "a string"),
    ("dataset", 3, "a string"),
    ("mode", "evaluate", "one of train, eval, train_then_eval, export"),
    ("optimizer", "sgd", "one of momentum, adam, lars, lamb"),
    ("stem", "tiny", "one of auto, cifar, imagenet"),
    ("model_dir", "run\udcff", "text in UTF-8"),
    ("dataset", "folder:\udcff", "text in UTF-8"),
    ("eval_label_budgets", ["\udcff"], "text in UTF-8"),
    ("probe_l2", 0.1, "list of finite numbers"),
    ("probe_l2", ["a"], "list of finite numbers"),
    ("eval_label_budgets", "all", "list of strings"),
    ("eval_label_budgets", [None], "list of strings"),
]


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_values_become_the_type_of_their_field(name, value, expected):
    config = Config(**{"model_dir": "d", name: value})
    result = getattr(config, name)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("name", "value", "rule"), BAD)
def test_a_wrong_type_names_field_rule_and_value(name, value, rule):
    with pytest.raises(errors.UserError) as caught:
        Config(**{"model_dir": "d", name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} must be ")
    assert rule in message
    assert message.endswith(f"got {value!r}")
    assert "\n" not in message
