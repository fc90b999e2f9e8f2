"""Scores of the supervised head: exact, whatever the batches."""

import csv
import dataclasses
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from command_line import NETWORK, TINY, run

from simclr_tf import errors, files
from simclr_tf.commands import evaluate
from simclr_tf.config import Config
from simclr_tf.data import sources
from simclr_tf.evaluation import predictions
from simclr_tf.scoring import supervised_scores
from simclr_tf.setup import given_checkpoint, given_images, networks

pytestmark = pytest.mark.usefixtures("no_export")

LAST = 40
FINETUNE = (
    *TINY,
    "--train_mode=finetune",
    "--from_scratch",
    f"--train_steps={LAST}",
    f"--checkpoint_steps={LAST}",
    "--optimizer=momentum",
    "--learning_rate=0.2",
)
SAME_LOGITS = 1e-5
"""float32 logits near 1, in batches of other sizes."""
NUM_TEST = 360
PICTURE = tf.io.encode_png(np.zeros([6, 6, 3], np.uint8)).numpy()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(model_dir, outcome) of a head trained and scored from the shell."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    outcome = run(
        *FINETUNE,
        "--mode=train_then_eval",
        f"--model_dir={directory}",
        traced=True,
    )
    assert outcome.code == 0, outcome.lines
    return directory, outcome


@pytest.fixture(scope="module")
def opened(trained):
    """(config, model, source) as the evaluation opens them."""
    config = Config(mode="eval", model_dir=str(trained[0]))
    config, _ = given_checkpoint.recall(config)
    model = networks.make_eval_model(config, num_classes=10)
    given_checkpoint.load(str(trained[0]), model)
    return config, model, given_images.open_labelled(config, "eval_split")


def scored(opened, directory, source=None, **changes):
    """(result, predictions) of the head under a changed configuration."""
    config, model, whole = opened
    config = config.replace(model_dir=str(directory), **changes)
    result, _ = supervised_scores.score(config, model, source or whole, LAST)
    path = os.path.join(directory, f"predictions_{LAST}.npz")
    return result, predictions.load(path)


def test_the_command_line_writes_what_numpy_counts(trained, opened):
    directory, outcome = trained
    config, model, source = opened
    config = config.replace(eval_batch_size=NUM_TEST)
    (batch,) = given_images.eval_batches(config, source)
    logits = np.array(model(batch["images"], training=False).logits)
    ranked = np.argsort(-logits, axis=1)
    hits = ranked == source.labels[:, np.newaxis]
    recalls = [hits[source.labels == c, 0].mean() for c in range(10)]
    result = files.read_json(f"{directory}/result_{LAST}.json")
    assert result["eval/label_top_1_accuracy"] == hits[:, 0].mean()
    assert result["eval/label_top_5_accuracy"] == hits[:, :5].sum() / NUM_TEST
    mean = result["eval/mean_per_class_accuracy"]
    assert mean == pytest.approx(np.mean(recalls))
    assert len(set(ranked[:, 0])) >= 3  # or the counts would be trivial
    found = predictions.load(f"{directory}/predictions_{LAST}.npz")
    np.testing.assert_array_equal(found.predicted, ranked[:, 0])
    np.testing.assert_array_equal(found.labels, source.labels)
    np.testing.assert_array_equal(found.examples, np.arange(NUM_TEST))
    with open(f"{directory}/report/per_class_{LAST}.csv") as file:
        rows = list(csv.DictReader(file))
    accuracies = [float(row["accuracy"]) for row in rows]
    assert accuracies == pytest.approx(recalls)
    assert [row["name"] for row in rows] == list(source.class_names)
    assert (directory / f"report/confusion_{LAST}.png").stat().st_size > 5000
    (line,) = (x for x in outcome.lines if "supervised head top-1" in x)
    assert line.startswith(f"step {LAST}  digits test: ")
    start = [x.split()[0] for x in outcome.lines].index("class")
    shown = [x.split()[:2] for x in outcome.lines[start + 1 : start + 11]]
    assert shown == [[row["name"], row["images"]] for row in rows]


def test_a_picture_that_fails_loses_no_result(trained, tmp_path, monkeypatch):
    directory = tmp_path / "run"
    ignored = shutil.ignore_patterns("result*", "predictions*", "report")
    shutil.copytree(trained[0], directory, ignore=ignored)

    def fail(*_, **__):
        raise MemoryError("no room to draw")

    monkeypatch.setattr(supervised_scores.confusion_plot, "save_plot", fail)
    with pytest.raises(MemoryError, match="no room to draw"):
        evaluate.run(
            Config(mode="eval", model_dir=str(directory)), follow=False
        )
    for name in (f"result_{LAST}.json", "result.json"):
        assert files.read_json(directory / name) == files.read_json(
            trained[0] / name
        )
    assert (directory / f"predictions_{LAST}.npz").exists()
    assert (directory / f"report/per_class_{LAST}.csv").exists()


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_no_batch_size_makes_a_difference(opened, tmp_path, batch_size):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    expected, theirs = scored(opened, tmp_path / "a", eval_batch_size=256)
    result, ours = scored(opened, tmp_path / "b", eval_batch_size=batch_size)
    assert result == expected
    for name in ("examples", "labels", "predicted"):
        found = getattr(ours, name)
        np.testing.assert_array_equal(found, getattr(theirs, name))
    np.testing.assert_allclose(
        ours.top_logits, theirs.top_logits, atol=SAME_LOGITS
    )


def test_of_some_batches_only_those_are_predicted(opened, tmp_path):
    few = {"eval_batch_size": 7, "eval_steps": 3}
    result, found = scored(opened, tmp_path, **few)
    np.testing.assert_array_equal(found.examples, np.arange(21))
    assert result["eval/label_top_1_accuracy"] == found.correct.mean()


def test_files_go_by_their_names(opened, tmp_path):
    _, _, source = opened
    names = tuple(f"scan_{i:04}.png" for i in range(NUM_TEST))
    named = dataclasses.replace(source, read_names=lambda: names)
    _, found = scored(opened, tmp_path, named, eval_steps=1)
    assert tuple(found.examples) == names[:128]
    alike = dataclasses.replace(source, read_names=lambda: ("x",) * NUM_TEST)
    np.testing.assert_array_equal(
        supervised_scores.name_examples(alike), np.arange(NUM_TEST)
    )


def test_labels_that_are_withheld_do_not_count(opened, tmp_path):
    _, _, source = opened
    labels = np.where(np.arange(NUM_TEST) % 3 == 0, -1, source.labels)
    labels = labels.astype(np.int32)
    partly = dataclasses.replace(source, labels=labels)
    kept = np.flatnonzero(labels >= 0)
    result, found = scored(opened, tmp_path, partly)
    np.testing.assert_array_equal(found.examples, kept)
    expected, _ = scored(opened, tmp_path, sources.take(source, kept))
    assert result == expected
    none = dataclasses.replace(source, labels=np.full_like(labels, -1))
    with pytest.raises(errors.UserError, match="eval_split must have labels"):
        scored(opened, tmp_path, none)


def test_logits_that_are_no_numbers_are_refused(opened, tmp_path):
    config, model, source = opened
    bias = model.supervised_variables[-1]
    before = bias.numpy()
    bias.assign(np.full_like(before, np.nan))
    try:
        with pytest.raises(errors.UserError, match="of 360 images they are"):
            supervised_scores.classify(config, model, source)
    finally:
        bias.assign(before)


def test_another_network_or_other_classes_are_one_line(trained, tmp_path):
    for index in range(4):
        folder = tmp_path / f"two/test/c{index % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        flat = tmp_path / "flat"
        flat.mkdir(exist_ok=True)
        for place in (folder, flat):
            (place / f"{index}.png").write_bytes(PICTURE)
    checkpoint = f"--checkpoint={trained[0]}/ckpt-{LAST}"
    place = f"--model_dir={tmp_path}/new"
    two = f"--dataset=folder:{tmp_path}/two"
    cases = (
        (
            [
                f"--model_dir={trained[0]}",
                "--eval_split=test",
                "--resnet_depth=18",
            ],
            f"model_dir must hold no other run; '{trained[0]}' has "
            "resnet_depth=10, asked for resnet_depth=18",
        ),
        (
            [checkpoint, place, *NETWORK, "--resnet_depth=18"],
            "resnet_depth must be 10, as in the checkpoint "
            f"'{trained[0]}/ckpt-{LAST}'; got 18",
        ),
        (
            [checkpoint, place, two, "--eval_split=test"],
            "eval_split must have the 10 classes of the supervised head; "
            f"'folder:{tmp_path}/two' split 'test' has 2",
        ),
        (
            [checkpoint, place, f"--dataset=folder:{flat}"],
            f"eval_split must have labels; 'folder:{flat}' split 'train' has "
            "none: no labels, as most images lie in no class folder",
        ),
    )
    for arguments, expected in cases:
        outcome = run("--mode=eval", "--eval_split=train", *arguments)
        assert outcome.lines[-1] == f"simclr-tf: {expected}"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("after", [-1, 2, 4])
def test_the_regularization_is_of_what_is_trained(opened, after):
    config, model, _ = opened
    config = config.replace(
        from_scratch=False,
        weight_decay=0.01,
        optimizer="momentum",
        fine_tune_after_block=after,
    )
    groups = (model.encoder.stem, *model.encoder.block_groups)
    trained = (*groups[after + 1 :], model.projection_head)
    trained = (*trained, model.supervised_head)
    normed = {id(v) for v in model.batch_norm_variables()}
    expected = 0.01 * sum(
        0.5 * np.sum(np.square(variable.numpy()))
        for part in trained
        for variable in part.trainable_variables
        if id(variable) not in normed
    )
    found = supervised_scores.regularization_loss(config, model)
    assert found == pytest.approx(expected, rel=1e-5)
