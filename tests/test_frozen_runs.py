"""The frozen protocol from the command line: choices, caches, mistakes."""

import dataclasses
import json
import os
import shutil

import numpy as np
import pytest
from command_line import run

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.scoring import frozen_features
from simclr_tf.setup import networks

pytestmark = pytest.mark.usefixtures("no_export")

LAST = 6
PROTOCOL = (
    "--mode=eval",
    "--eval_protocol=frozen",
    "--eval_methods=knn,linear,least_squares",
    "--eval_label_budgets=3,all",
    "--eval_label_draws=2",
    "--knn_grid",
    "--probe_blocks",
)
CHEAP = ("--eval_methods=least_squares", "--noprobe_blocks")
SETTINGS = {
    "knn": {"neighbors", "temperature"},
    "linear": {"l2"},
    "least_squares": {"l2"},
}


def evaluate(directory, *arguments):
    """The outcome, what `result.json` says, and every classifier."""
    outcome = run(*PROTOCOL, f"--model_dir={directory}", *arguments)
    assert outcome.code == 0, outcome.lines
    with open(f"{directory}/result.json") as file:
        found = json.load(file)["frozen"]
    with np.load(f"{directory}/report/classifiers_{LAST}.npz") as arrays:
        return outcome, found, dict(arrays)


@pytest.fixture(scope="module")
def evaluated(pretrained, tmp_path_factory):
    directory = tmp_path_factory.mktemp("honest") / "run"
    shutil.copytree(pretrained, directory)
    return directory, evaluate(directory)


@pytest.fixture
def opened_digits():
    return digits.open_digits("test[:20]")


def settings(found):
    cells = [
        {name: cell[name] for name in SETTINGS[cell["method"]]}
        for cell in found["pretrained"]
    ]
    probes = [(p["name"], p["l2"], p["validation"]) for p in found["blocks"]]
    return cells, probes


def test_permuted_test_labels_choose_and_fit_nothing(
    pretrained, evaluated, tmp_path, permute_test_labels
):
    directory = shutil.copytree(pretrained, tmp_path / "run")
    permute_test_labels()
    _, ours, classifiers = evaluated[1]
    _, theirs, others = evaluate(directory)
    assert settings(ours) == settings(theirs)
    assert classifiers.keys() == others.keys()
    for name, array in classifiers.items():
        assert array.tobytes() == others[name].tobytes(), name
    for mine, other in zip(
        ours["pretrained"] + ours["blocks"],
        theirs["pretrained"] + theirs["blocks"],
        strict=True,
    ):
        name = "accuracies" if "accuracies" in mine else "test"
        assert mine[name] != other[name]


def test_every_method_budget_and_block_is_told(evaluated):
    outcome, found, classifiers = evaluated[1]
    pairs = [(cell["method"], cell["budget"]) for cell in found["pretrained"]]
    assert pairs == [(m, b) for b in ("3", "all") for m in SETTINGS]
    names = [probe["name"] for probe in found["blocks"]]
    assert names == [
        "block_group1", "block_group2", "block_group3", "block_group4",
        "final_avg_pool", "proj_head_output",
    ]  # fmt: skip
    for name in names:
        assert name in outcome.output
        assert f"blocks/{name}/weights" in classifiers
    assert len(classifiers) == 2 * (2 * 3 + len(names)) + 2
    assert classifiers["scaling/mean"].shape == (64,)
    weights = classifiers["linear/all/0/weights"]
    assert weights.shape == (64, 10)
    plots = {"knn.png", "least_squares.png", "linear.png"}
    assert plots <= set(os.listdir(f"{evaluated[0]}/report"))


@pytest.mark.slow
def test_features_are_computed_once(pretrained, tmp_path):
    directory = shutil.copytree(pretrained, tmp_path / "run")
    _, first, _ = evaluate(directory, *CHEAP)
    (of_encoder,) = (directory / "features").iterdir()
    assert len(list(of_encoder.iterdir())) == 2
    stranger = directory / "features" / "0123456789abcdef"
    stranger.mkdir()
    (directory / "features" / "mine").mkdir()
    (directory / "features" / "notes.txt").touch()
    outcome, again, _ = evaluate(directory, *CHEAP)
    # Those of the training images once more, for their scaling.
    assert sum("features from" in line for line in outcome.lines) == 3
    assert again == first
    left = {entry.name for entry in (directory / "features").iterdir()}
    assert left == {of_encoder.name, "mine", "notes.txt"}


def test_features_are_of_labels_and_precision(opened_digits, tmp_path):
    config = Config(mode="plan", feature_cache=str(tmp_path), image_size=8)
    model = networks.make_eval_model(
        config.replace(resnet_depth=10, width_multiplier=0.125),
        num_classes=None,
    )
    relabelled = dataclasses.replace(
        opened_digits, labels=np.flip(opened_digits.labels)
    )
    for source in (opened_digits, relabelled):
        extractor = frozen_features.FrozenFeatures(config, model)
        found = extractor.load(source)[frozen_features.FEATURES]
        np.testing.assert_array_equal(found.labels, source.labels)
    config = config.replace(precision="bfloat16")
    frozen_features.FrozenFeatures(config, model).load(opened_digits)
    (directory,) = tmp_path.iterdir()
    assert len(list(directory.iterdir())) == 3


def test_images_without_a_label_are_left_out(opened_digits):
    config = Config(mode="plan", image_size=8, resnet_depth=10)
    config = config.replace(width_multiplier=0.125)
    model = networks.make_eval_model(config, num_classes=None)
    labels = opened_digits.labels.copy()
    labels[::3] = -1
    partly = dataclasses.replace(opened_digits, labels=labels)
    extractor = frozen_features.FrozenFeatures(config, model)
    found = extractor.load(partly)[frozen_features.FEATURES]
    np.testing.assert_array_equal(found.labels, labels[labels >= 0])
    whole = extractor.load(opened_digits)[frozen_features.FEATURES]
    np.testing.assert_array_equal(found.values, whole.values[labels >= 0])


@pytest.mark.slow
def test_a_named_cache_is_never_swept(pretrained, tmp_path):
    directory = shutil.copytree(pretrained, tmp_path / "run")
    cache = tmp_path / "cache"
    (cache / "of_another_encoder").mkdir(parents=True)
    evaluate(directory, f"--feature_cache={cache}", *CHEAP)
    assert len(list(cache.iterdir())) == 2
    assert not (directory / "features").exists()


def test_more_neighbours_than_images(pretrained, tmp_path):
    """All of them vote, with a word of it."""
    directory = shutil.copytree(pretrained, tmp_path / "run")
    outcome = run(
        "--mode=eval",
        "--eval_protocol=frozen",
        "--eval_methods=knn",
        "--knn_neighbors=1438",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    assert any(
        "knn_neighbors=1438 is more than the 1437 training images" in line
        for line in outcome.lines
    )
    (score,) = json.loads((directory / "result.json").read_text())["frozen"][
        "pretrained"
    ]
    assert 0 < score["mean"] < 1


def test_images_that_were_trained_on_are_told(evaluated, tmp_path):
    outcome = run(
        "--mode=eval",
        "--dataset=digits",
        "--eval_split=train",
        f"--checkpoint={evaluated[0]}",
        f"--model_dir={tmp_path}/new",
    )
    assert outcome.code == 0, outcome.lines
    assert any("'train' is the training split" in x for x in outcome.lines)
    with open(f"{tmp_path}/new/result.json") as file:
        assert json.load(file)["eval_split"] == "train"


def test_scores_of_other_images_are_not_written_over(evaluated):
    directory = evaluated[0]
    with open(f"{directory}/result.json") as file:
        before = file.read()
    outcome = run(
        "--mode=eval", f"--model_dir={directory}", "--eval_split=train"
    )
    assert outcome.code == 1
    assert outcome.lines[-1].startswith(
        f"simclr-tf: eval_split must be 'test', of which model_dir "
        f"'{directory}' holds the scores; got 'train'"
    )
    with open(f"{directory}/result.json") as file:
        assert file.read() == before


def test_a_cache_that_cannot_be_written_is_known_at_once(evaluated):
    outcome = run(
        "--mode=eval", f"--model_dir={evaluated[0]}", "--eval_protocol=frozen",
        "--feature_cache=/dev/null/cache",
    )  # fmt: skip
    assert outcome.code == 1
    assert outcome.lines[-1].startswith("simclr-tf: feature_cache: ")
