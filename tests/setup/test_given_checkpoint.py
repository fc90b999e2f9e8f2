"""What a checkpoint brings: architecture, weights, and what is left behind."""

import numpy as np
import official_files
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint, official, state, tf1
from simclr_tf.commands import api, export, import_checkpoint
from simclr_tf.config import Config
from simclr_tf.setup import given_checkpoint, model_dir, networks

NETWORK = {
    "resnet_depth": 10,
    "width_multiplier": 0.125,
    "proj_out_dim": 8,
    "num_proj_layers": 2,
    "image_size": 8,
}
CLASSES = 3
HEAD_OFF = "(?!global_step|(?:.*/|^)Momentum|head)"
SUPERVISED_OFF = "(?!global_step|(?:.*/|^)Momentum|head_supervised)"


@pytest.fixture(scope="module")
def model():
    config = Config(model_dir="d", seed=1, **NETWORK)
    return networks.make_eval_model(config, num_classes=CLASSES)


@pytest.fixture(scope="module")
def paths(model, tmp_path_factory):
    """The same weights in three kinds of files."""
    root = tmp_path_factory.mktemp("kinds")
    table = {k: v.value for k, v in official.tf2_variables(model).items()}
    tensors = {k: v.numpy() for k, v in tf1.tf1_variables(model).items()}
    config = Config(mode="train", model_dir=str(root / "ours"), **NETWORK)
    facts = {"num_classes": CLASSES, "train_steps": 7}
    model_dir.open_run(config, facts)
    trained = state.TrainState(model, None)
    return {
        "ours": checkpoint.Checkpoints(config.model_dir, trained).save(7),
        "tf2": official_files.write_tf2(table, f"{root}/tf2/ckpt-7"),
        "saved_model": official_files.write_saved_model(table, f"{root}/7"),
        "tf1": official_files.write_tf1(tensors, f"{root}/tf1/model.ckpt-7"),
    }


KINDS = ("ours", "tf2", "saved_model", "tf1")


def make(paths, kind, **values):
    given = {"model_dir": "new", "checkpoint": paths[kind]} | values
    return Config(mode="train", **given)


@pytest.mark.parametrize("kind", KINDS)
def test_the_architecture_comes_along(paths, kind):
    config = given_checkpoint.adopt_architecture(make(paths, kind))
    for name, value in NETWORK.items():
        if name != "image_size":
            assert getattr(config, name) == value
    assert config.stem == "cifar"
    # Only a run of ours knows it; else 32 goes with the stem.
    assert config.image_size == (8 if kind == "ours" else 32)
    assert config.temperature == 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_user_set_stays_if_it_agrees(paths, kind):
    given = make(
        paths, kind, image_size=16, resnet_depth=10, sk_ratio=0.0, stem="auto"
    )
    config = given_checkpoint.adopt_architecture(given)
    assert (config.image_size, config.stem) == (16, "auto")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value", "theirs"),
    [
        ("resnet_depth", 50, "10"),
        ("width_multiplier", 1.0, "0.125"),
        ("sk_ratio", 0.0625, "0.0"),
        ("stem", "imagenet", "'cifar'"),
        ("proj_head_mode", "none", "'nonlinear'"),
        ("num_proj_layers", 3, "2"),
    ],
)
def test_what_contradicts_is_refused(paths, kind, name, value, theirs):
    if (name, kind) == ("sk_ratio", "tf1"):
        pytest.skip("not to be told from basic blocks under TF1 names")
    with pytest.raises(errors.UserError) as caught:
        given_checkpoint.adopt_architecture(make(paths, kind, **{name: value}))
    assert str(caught.value) == (
        f"{name} must be {theirs}, as in the checkpoint {paths[kind]!r}; "
        f"got {value!r}"
    )


def test_a_head_that_is_left_out_may_differ(paths):
    given = make(
        paths, "tf2", variable_schema=HEAD_OFF, num_proj_layers=4, seed=3
    )
    config = given_checkpoint.adopt_architecture(given)
    assert (config.num_proj_layers, config.proj_out_dim) == (4, 128)
    fresh = networks.make_eval_model(config, num_classes=5)
    given_checkpoint.warm_start(config, fresh)


def test_a_whole_network_has_its_head_whatever_training_would_take(paths):
    config = make(paths, "tf2", variable_schema=HEAD_OFF)
    plain = given_checkpoint.adopt_whole_network(make(paths, "tf2"))
    found = given_checkpoint.adopt_whole_network(config)
    assert found.architecture() == plain.architecture()


def test_a_run_that_resumes_does_not_look_at_it(paths, tmp_path):
    former = Config(model_dir=str(tmp_path), resnet_depth=34)
    model_dir.open_run(former, {})
    (tmp_path / "ckpt-1.meta.json").touch()
    config = Config(model_dir=str(tmp_path), checkpoint="gone/ckpt-1")
    assert given_checkpoint.adopt_architecture(config).resnet_depth == 34


def test_without_a_checkpoint_nothing_changes():
    config = Config(model_dir="new")
    assert given_checkpoint.adopt_architecture(config) is config


def values(model):
    return {v.path: v.numpy() for v in model.variables}


def changed(before, model, theirs):
    """Whether each variable took the checkpoint's value, by path."""
    taken = {}
    for path, value in values(model).items():
        is_theirs = np.array_equal(value, theirs.get(path))
        assert is_theirs or np.array_equal(value, before[path]), path
        taken[path] = is_theirs
    return taken


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("flags", "left"),
    [
        ({}, ("supervised_head",)),
        ({"keep_logits_layer": True}, ()),
        ({"variable_schema": SUPERVISED_OFF}, ("supervised_head",)),
        (
            {"variable_schema": HEAD_OFF},
            ("supervised_head", "projection_head"),
        ),
        (
            {"variable_schema": HEAD_OFF, "keep_logits_layer": True},
            ("supervised_head", "projection_head"),
        ),
    ],
    ids=str,
)
def test_what_a_warm_start_takes(paths, model, kind, flags, left):
    config = given_checkpoint.adopt_architecture(
        make(paths, kind, seed=2, image_size=8, **flags)
    )
    fresh = networks.make_eval_model(config, num_classes=CLASSES)
    before = values(fresh)
    given_checkpoint.warm_start(config, fresh)
    for path, is_theirs in changed(before, fresh, values(model)).items():
        is_kernel = path.endswith("kernel")  # the others start alike
        part = path.split("/")[1]
        if is_kernel:
            assert is_theirs == (part not in left), path


def test_a_head_for_other_classes_cannot_be_kept(paths):
    config = make(paths, "tf2", keep_logits_layer=True)
    config = given_checkpoint.adopt_architecture(config)
    other = networks.make_eval_model(config, num_classes=CLASSES + 1)
    with pytest.raises(errors.UserError, match="supervised_head"):
        given_checkpoint.warm_start(config, other)


def test_zeroing_the_head_really_does(model):
    config = Config(model_dir="d", **NETWORK)
    fresh = networks.make_eval_model(config, num_classes=CLASSES)
    assert np.any(fresh.supervised_head.dense.kernel.numpy())
    given_checkpoint.zero_head(fresh)
    for variable in fresh.supervised_variables:
        assert not np.any(variable.numpy())


@pytest.mark.parametrize("kind", ["tf2", "saved_model", "tf1"])
def test_recall_without_a_run_takes_what_the_checkpoint_tells(paths, kind):
    config, facts = given_checkpoint.recall(
        Config(mode="eval", model_dir="new", checkpoint=paths[kind])
    )
    assert config.resnet_depth == 10
    assert facts["imported"]["path"] == paths[kind]
    assert (facts["num_classes"], facts["train_steps"]) == (CLASSES, 7)


def test_recall_of_a_run_prefers_its_record(paths):
    config, facts = given_checkpoint.recall(
        Config(mode="export", checkpoint=paths["ours"], export_dir="e")
    )
    assert config.image_size == 8
    assert facts["train_steps"] == 7


def test_mirrored_variables_take_the_weights(paths, model, mirrored):
    config = make(paths, "tf1", seed=2, image_size=8, keep_logits_layer=True)
    config = given_checkpoint.adopt_architecture(config)
    with mirrored(2).scope():
        fresh = networks.make_model(config, num_classes=CLASSES, sync_bn=True)
    given_checkpoint.warm_start(config, fresh)
    for ours, theirs in zip(fresh.variables, model.variables, strict=True):
        for part in tf.nest.flatten(ours.value.values):
            np.testing.assert_array_equal(part.numpy(), theirs.numpy())


RESNET_D = NETWORK | {"sk_ratio": 0.0625, "ft_proj_selector": 1}


@pytest.fixture(scope="module")
def resnet_d(tmp_path_factory):
    """A run whose architecture and selector the shapes do not show."""
    path = str(tmp_path_factory.mktemp("resnet_d") / "run")
    config = Config(model_dir=path, batch_norm_decay=0.99, **RESNET_D)
    made = networks.make_eval_model(config, num_classes=CLASSES)
    model_dir.open_run(config, {"num_classes": CLASSES, "train_steps": 2})
    checkpoint.Checkpoints(path, state.TrainState(made, None)).save(2)
    return path, made


def outputs_of(model):
    images = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
    return model(images)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "import", "saved_model"])
def test_what_shapes_do_not_show_comes_from_the_record(
    resnet_d, kind, tmp_path
):
    path, made = resnet_d
    place = Config(
        mode="import", model_dir=str(tmp_path / "a"), checkpoint=path
    )
    if kind != "run":
        path = import_checkpoint.run(place)
    if kind == "saved_model":
        path = export.run(Config(mode="export", model_dir=str(tmp_path / "a")))
    loaded = api.load_model(path)
    for ours, theirs in zip(outputs_of(loaded), outputs_of(made), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert loaded.encoder.stem.norms[0].momentum == 0.99


def test_a_recorded_ratio_is_compared_too(resnet_d):
    config = Config(model_dir="new", checkpoint=resnet_d[0], sk_ratio=0.0)
    with pytest.raises(errors.UserError, match=r"sk_ratio must be 0\.0625"):
        given_checkpoint.adopt_architecture(config)


def test_training_does_not_take_over_what_the_old_head_read(resnet_d):
    config = Config(model_dir="new", checkpoint=resnet_d[0])
    config = given_checkpoint.adopt_architecture(config)
    assert config.ft_proj_selector == 0
    assert config.batch_norm_decay == 0.9
