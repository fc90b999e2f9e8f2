import json

import numpy as np
import official_weights
import pytest

from simclr_tf.checkpoints import official

GOLDENS = official_weights.GOLDENS
LAYOUT = official_weights.LAYOUT
NOISE = json.loads((GOLDENS / "network_noise.json").read_text())
# The official code with other kernels differs from itself by the noise.
LEAST_TOLERANCE = 1e-5
NOISE_FACTOR = 5
# The fused operation's variance is exact, the official one loses digits:
# 1.9 times the tolerance was seen.
FUSED_ALLOWANCE = 4
GROUPS = ("block_group1", "block_group2", "block_group3", "block_group4")


@pytest.fixture(scope="module")
def models():
    """Makes each model once."""
    made = {}

    def make(name):
        if name not in made:
            made[name] = official_weights.make_model(name)
        official_weights.set_weights(made[name])
        return made[name]

    return make


def outputs_in_eval(model, images):
    named = model.endpoints(images)
    outputs = {
        f"eval/{group}_channel_mean": np.mean(named[group], axis=(1, 2))
        for group in GROUPS
    }
    outputs["eval/final_avg_pool"] = named["final_avg_pool"]
    outputs["eval/projection"] = named["proj_head_output"]
    outputs["eval/logits"] = named["logits_sup"]
    return outputs


def outputs_in_training(model, images):
    outputs = model(images, training=True)
    return {
        "train/projection": outputs.projections,
        "train/logits": outputs.logits,
    }


def compare(name, recorded, outputs, *, allowance=1):
    compared = set(recorded) & set(outputs)
    assert compared
    for key in sorted(compared):
        tolerance = max(LEAST_TOLERANCE, NOISE_FACTOR * NOISE[f"{name}/{key}"])
        largest = np.abs(recorded[key]).max()
        np.testing.assert_allclose(
            outputs[key],
            recorded[key],
            rtol=0,
            atol=allowance * tolerance * largest,
            err_msg=key,
        )


@pytest.mark.parametrize("name", LAYOUT)
def test_variables_are_the_official_ones(models, name):
    model = models(name)
    named = official.tf2_variables(model)
    shapes = {key: list(value.shape) for key, value in named.items()}
    assert shapes == LAYOUT[name]["variables"]
    paths = [variable.path for variable in model.variables]
    assert [variable.path for variable in named.values()] == paths


@pytest.mark.parametrize("name", LAYOUT)
def test_outputs_in_eval(models, name):
    recorded = dict(np.load(GOLDENS / f"network_{name}.npz"))
    images = official_weights.split_views(official_weights.recorded_input(name))
    compare(name, recorded, outputs_in_eval(models(name), images))


@pytest.mark.parametrize("name", LAYOUT)
def test_outputs_in_training(models, name):
    recorded = dict(np.load(GOLDENS / f"network_{name}.npz"))
    images = official_weights.split_views(official_weights.recorded_input(name))
    compare(name, recorded, outputs_in_training(models(name), images))


@pytest.mark.parametrize("name", LAYOUT)
def test_outputs_in_training_with_fused_batch_norm(name):
    model = official_weights.make_model(name, fused_bn=True)
    official_weights.set_weights(model)
    recorded = dict(np.load(GOLDENS / f"network_{name}.npz"))
    images = official_weights.split_views(official_weights.recorded_input(name))
    outputs = outputs_in_training(model, images)
    compare(name, recorded, outputs, allowance=FUSED_ALLOWANCE)
