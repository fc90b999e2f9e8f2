import dataclasses
import json

import pytest

from simclr_tf import errors
from simclr_tf.config import Config

IDENTITY = [
    "dataset",
    "train_split",
    "memory_limit_mb",
    "float_views",
    "microbatch_size",
    "resnet_depth",
    "width_multiplier",
    "sk_ratio",
    "se_ratio",
    "stem",
    "image_size",
    "batch_norm_decay",
    "global_bn",
    "proj_head_mode",
    "num_proj_layers",
    "proj_out_dim",
    "ft_proj_selector",
    "zero_init_logits_layer",
    "keep_logits_layer",
    "fine_tune_after_block",
    "train_mode",
    "lineareval_while_pretraining",
    "temperature",
    "hidden_norm",
    "color_jitter_strength",
    "color_jitter_impl",
    "use_blur",
    "use_flip",
    "cache_dataset",
    "crop_min_area",
    "optimizer",
    "learning_rate",
    "learning_rate_scaling",
    "warmup_epochs",
    "weight_decay",
    "momentum",
    "lars_eta",
    "train_batch_size",
    "train_epochs",
    "train_steps",
    "seed",
    "label_fraction",
    "labels_per_class",
    "label_file",
    "from_scratch",
    "teacher",
    "distill_temperature",
    "distill_alpha",
    "unlabelled_dataset",
    "unlabelled_split",
]
ARCHITECTURE = [
    "resnet_depth",
    "width_multiplier",
    "sk_ratio",
    "se_ratio",
    "stem",
    "image_size",
    "proj_head_mode",
    "num_proj_layers",
    "proj_out_dim",
]


def make(**values):
    return Config(**{"model_dir": "runs/test", **values})


def test_defaults_and_attributes():
    config = make(temperature=0.5)
    assert config.temperature == 0.5
    assert config.dataset == "imagenet2012"
    assert config.explicit == {"model_dir", "temperature"}


def test_it_is_frozen_and_hashable():
    config = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.temperature = 1.0
    assert hash(config) == hash(make())


def test_equality_is_about_values_not_about_who_set_them():
    assert make() == make(temperature=0.1)
    assert make() != make(temperature=0.2)
    assert make().explicit != make(temperature=0.1).explicit


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", "; did you mean temperature?"),
        ("explicit", ""),
        ("zzz", ""),
    ],
)
def test_an_unknown_name_is_refused_with_a_hint(name, hint):
    with pytest.raises(errors.UserError) as caught:
        make(**{name: 1})
    message = str(caught.value)
    assert repr(name) in message
    if hint:
        assert message.endswith(hint)


def test_replace_keeps_what_was_explicit_and_adds_to_it():
    config = make(seed=3).replace(temperature=0.7)
    assert (config.seed, config.temperature) == (3, 0.7)
    assert config.explicit == {"model_dir", "seed", "temperature"}


def test_replace_validates():
    with pytest.raises(errors.UserError, match="temperature must be positive"):
        make().replace(temperature=0.0)
    with pytest.raises(errors.UserError, match="temprature"):
        make().replace(temprature=0.1)


def test_it_shows_what_was_set():
    config = Config(temperature=0.1, model_dir="runs/d", dataset="digits")
    text = "Config(model_dir='runs/d', dataset='digits', temperature=0.1)"
    assert repr(config) == text
    again = eval(text, {"Config": Config})
    assert (again, again.explicit) == (config, config.explicit)
    recalled = Config.from_json('{"model_dir": "runs/d"}')
    assert repr(recalled) == "Config(model_dir='runs/d')"


def test_json_round_trip_keeps_values_and_explicit():
    config = make(
        probe_l2=[0.5],
        eval_label_budgets=["1%", "3"],
        eval_baselines=["pixels"],
        mode="train_then_eval",
        width_multiplier=0.25,
    )
    restored = Config.from_json(config.to_json())
    assert restored == config
    assert restored.explicit == config.explicit
    assert restored.to_json() == config.to_json()


def test_json_holds_every_field_and_what_was_explicit():
    record = json.loads(make().to_json())
    names = {field.name for field in dataclasses.fields(Config)}
    assert set(record) == names | {"explicit"}
    assert record["explicit"] == ["model_dir"]


def test_json_may_carry_versions_and_lack_new_fields():
    record = json.loads(make(seed=5).to_json())
    record["versions"] = {"tensorflow": "2.21.0"}
    del record["knn_temperature"]
    restored = Config.from_json(json.dumps(record))
    assert restored == make(seed=5)


def test_json_values_survive_a_change_of_default():
    record = json.loads(make().to_json())
    record["temperature"] = 0.9
    restored = Config.from_json(json.dumps(record))
    assert restored.temperature == 0.9
    assert restored.replace(seed=1).temperature == 0.9
    assert "temperature" not in restored.explicit


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", '"a"'])
def test_json_that_is_no_configuration_is_a_users_mistake(text):
    with pytest.raises(errors.UserError, match=r"config\.json must"):
        Config.from_json(text)


def test_json_with_an_unknown_field_is_refused():
    with pytest.raises(errors.UserError, match="'future'"):
        Config.from_json('{"model_dir": "d", "future": 1}')


def test_identity_is_exactly_this():
    identity = make(temperature=0.3).identity()
    assert sorted(identity) == sorted(IDENTITY)
    assert identity["temperature"] == 0.3


def test_architecture_is_exactly_this_and_part_of_the_identity():
    architecture = make(resnet_depth=18).architecture()
    assert sorted(architecture) == sorted(ARCHITECTURE)
    assert architecture["resnet_depth"] == 18
    assert set(architecture) <= set(IDENTITY)


@pytest.mark.parametrize(
    "other",
    [
        {"mode": "eval"},
        {"model_dir": "elsewhere"},
        {"data_dir": "/data"},
        {"checkpoint_steps": 7},
        {"num_replicas": 2},
        {"precision": "bfloat16"},
        {"jit": "off"},
        {"fused_bn": False},
        {"remat": True},
        {"tf32": False},
        {"eval_split": "test"},
        {"log_every_secs": 1.0},
    ],
)
def test_a_resumed_run_may_differ_in_the_rest(other):
    assert make(**other).identity() == make().identity()


def test_groups_hold_every_field_once():
    grouped = [f.name for _, group in Config.group_fields() for f in group]
    assert sorted(grouped) == sorted(f.name for f in dataclasses.fields(Config))
    assert len(set(grouped)) == len(grouped)


def test_every_field_has_help_that_ends_in_a_full_stop():
    for field in dataclasses.fields(Config):
        assert field.metadata["help"].endswith("."), field.name
