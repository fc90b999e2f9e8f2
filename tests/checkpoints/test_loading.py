"""Official weights reproduce the recorded outputs, from every kind of file."""

import json

import numpy as np
import official_files
import official_weights
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import architecture, loading, official, opened, tf1

GOLDENS = official_weights.GOLDENS
NOISE = json.loads((GOLDENS / "network_noise.json").read_text())
# The official code with other kernels differs from itself by the noise.
LEAST_TOLERANCE = 1e-5
NOISE_FACTOR = 5
FILES = [
    pytest.param(
        name, kind, marks=pytest.mark.slow if name.startswith("r50") else ()
    )
    for name in official_weights.LAYOUT
    for kind in ("tf2", "saved_model", "tf1")
    if kind != "tf1" or name in official_files.TF1_LAYOUT
]


@pytest.fixture(scope="module")
def models():
    """Makes each model once."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = official_weights.make_model(name)
        for variable in made[name].variables:
            variable.assign(np.zeros(variable.shape, "float32"))
        return made[name]

    return make


def write(name, kind, directory):
    if kind == "tf1":
        tensors = official_files.tf1_tensors(name)
        return official_files.write_tf1(tensors, f"{directory}/model.ckpt-9")
    table = official_files.variables(name)
    if kind == "tf2":
        return official_files.write_tf2(table, f"{directory}/ckpt-12")
    return official_files.write_saved_model(table, str(directory / "saved"))


@pytest.mark.parametrize(("name", "kind"), FILES)
def test_official_files_reproduce_the_recorded_outputs(
    models, name, kind, tmp_path
):
    found = opened.open_checkpoint(write(name, kind, tmp_path))
    model = models(name)
    # The recorded TF1 layout of r50 has ten classes, the TF2 one a thousand.
    classes = architecture.read_layout(found).num_classes
    has_head = classes == model.supervised_head.dense.units
    skip = () if has_head else model.supervised_variables
    match = loading.load(found, model, skip=skip)
    assert len(match.matched) == len(model.variables) - len(skip)
    for key, variable in official.tf2_variables(model).items():
        if has_head or not key.startswith(official.SUPERVISED_HEAD):
            np.testing.assert_array_equal(
                variable.numpy(), official_weights.weight(key, variable.shape)
            )
    recorded = dict(np.load(GOLDENS / f"network_{name}.npz"))
    outputs = model(
        official_weights.split_views(official_weights.recorded_input(name))
    )
    compare(name, "eval/final_avg_pool", outputs.features, recorded)
    if "eval/projection" in recorded:  # not of fine-tuning
        compare(name, "eval/projection", outputs.projections, recorded)
    if has_head:
        compare(name, "eval/logits", outputs.logits, recorded)


def compare(name, key, found, recorded):
    tolerance = max(LEAST_TOLERANCE, NOISE_FACTOR * NOISE[f"{name}/{key}"])
    largest = np.abs(recorded[key]).max()
    np.testing.assert_allclose(
        found, recorded[key], rtol=0, atol=tolerance * largest, err_msg=key
    )


@pytest.fixture
def small(models):
    return models("r18_cifar")


def altered(**changes):
    """The r18_cifar variables, some of them gone (None) or replaced."""
    table = official_files.variables("r18_cifar")
    for key, value in changes.items():
        key = key.replace("__", "/")
        if value is None:
            del table[key]
        else:
            table[key] = value
    return table


STEM = "model__resnet_model__initial_conv_relu_max_pool__0__conv2d__kernel"


def assert_unchanged(model):
    for variable in model.variables:
        assert not np.any(variable.numpy()), variable.path


def assert_refused(model, prefix, match):
    with pytest.raises(errors.UserError, match=match) as caught:
        loading.load(opened.open_checkpoint(prefix), model)
    assert "\n" not in str(caught.value)
    assert_unchanged(model)


def test_a_missing_variable_is_named(small, tmp_path):
    table = altered(**{STEM: None})
    prefix = official_files.write_tf2(table, str(tmp_path / "ckpt-1"))
    assert_refused(small, prefix, "missing model/resnet_model/initial_conv")


def test_another_shape_is_named(small, tmp_path):
    table = altered(**{STEM: tf.Variable(tf.zeros([5, 5, 3, 64]))})
    prefix = official_files.write_tf2(table, str(tmp_path / "ckpt-1"))
    assert_refused(small, prefix, r"kernel is \[5, 5, 3, 64\], not \[3, 3")


def test_another_depth_is_named(small, tmp_path):
    table = official_files.variables("r34_linear_head")
    prefix = official_files.write_tf2(table, str(tmp_path / "ckpt-1"))
    assert_refused(small, prefix, "5 missing, 80 unexpected")


def test_a_truncated_file_changes_nothing(small, tmp_path):
    table = altered()
    prefix = official_files.write_tf2(table, str(tmp_path / "ckpt-1"))
    data = tmp_path / "ckpt-1.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    assert_refused(small, prefix, "checkpoint must be readable")
    data.unlink()
    assert_refused(small, prefix, "checkpoint must be readable")


def test_what_is_skipped_keeps_its_values(small, tmp_path):
    gone = {key for key in altered() if key.startswith("model/supervised")}
    table = altered(**{key.replace("/", "__"): None for key in gone})
    prefix = official_files.write_tf2(table, str(tmp_path / "ckpt-1"))
    assert_refused(small, prefix, "missing model/supervised_head")
    found = opened.open_checkpoint(prefix)
    match = loading.load(found, small, skip=small.supervised_variables)
    assert len(match.matched) == len(small.variables) - 2
    assert not np.any(small.supervised_head.dense.kernel.numpy())
    assert np.any(small.encoder.stem.convs[0].kernel.numpy())


def test_names_of_both_releases_lead_to_the_same_variables(small):
    ours = loading.named_variables(small, opened.OURS)
    for other in (official.tf2_variables(small), tf1.tf1_variables(small)):
        assert {v.value.ref() for v in other.values()} == {
            v.ref() for v in ours.values()
        }
