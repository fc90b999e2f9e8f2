"""Whole runs through the command line, on the embedded digits."""

import glob
import json
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from command_line import NETWORK, RUN, TINY, run

from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.tasks import components, pretrain
from simclr_tf.training import checkpoint

LAST = 6
OFFICIAL_KEYS = {
    "eval/label_top_1_accuracy",
    "eval/label_top_5_accuracy",
    "eval/regularization_loss",
    "global_step",
}
SAME_FEATURES = 1e-5
"""float32 features near 1, through another graph."""
REPLICAS_LOSS = 1e-3
"""Six steps of float32 sums in another order; the loss is near 20."""
REPLICAS_WEIGHTS = 1e-3
ONE_HIT = 1 / 360
"""One test image, should a tie fall otherwise."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """(model_dir, outcome) of one complete run."""
    directory = str(tmp_path_factory.mktemp("finished") / "run")
    outcome = run(
        *TINY,
        "--mode=train_then_eval",
        "--knn_every_epochs=1",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    return directory, outcome


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the complete run, to be changed."""
    return shutil.copytree(finished[0], tmp_path / "copy").as_posix()


def metric_lines(directory):
    with tf.io.gfile.GFile(os.path.join(directory, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


def values(directory, step=LAST):
    """Every array of a checkpoint by its key."""
    prefix = os.path.join(directory, f"ckpt-{step}")
    reader = tf.train.load_checkpoint(prefix)
    return {
        key: reader.get_tensor(key)
        for key in reader.get_variable_to_shape_map()
        if key.endswith("VARIABLE_VALUE")
    }


def assert_same_values(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert len(ours) > 50
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


def test_a_run_leaves_its_records(finished):
    directory, outcome = finished
    names = set(os.listdir(directory))
    assert {"config.json", "metrics.jsonl", "result.json"} <= names
    for step in (3, LAST):
        assert f"ckpt-{step}.meta.json" in names
        assert f"ckpt-{step}.index" in names
    assert glob.glob(f"{directory}/events.out.tfevents*")
    assert os.listdir(f"{directory}/saved_model") == [str(LAST)]
    with open(f"{directory}/result.json") as file:
        result = json.load(file)
    assert result.keys() == OFFICIAL_KEYS
    assert result["global_step"] == LAST
    with open(f"{directory}/result_{LAST}.json") as file:
        assert json.load(file) == result


def test_the_metrics_hold_official_tags_and_knn(finished):
    rows = metric_lines(finished[0])
    first, last = (row for row in rows if "learning_rate" in row)
    assert (first["step"], last["step"]) == (1, LAST)
    assert {
        "train/contrast_loss",
        "train/contrast_acc",
        "train/contrast_entropy",
        "train/supervised_loss",
        "train/supervised_acc",
        "train/weight_decay",
        "train/total_loss",
        "learning_rate",
    } <= first.keys()
    (knn,) = (row for row in rows if "knn/held_out_accuracy" in row)
    assert knn["step"] == LAST
    assert 0 < knn["knn/held_out_accuracy"] <= 1


def test_the_log_tells_the_run_from_the_first_step(finished):
    text = "\n".join(finished[1].lines)
    assert "digits train: 1437 images, 10 classes" in text
    assert "step 1/6  loss " in text
    assert "(chance 9.688)" in text
    assert "images/s  ETA" in text
    assert "kNN on held-out images" in text
    assert "exported to" in text


def test_running_again_changes_nothing(copied):
    before = values(copied)
    metrics = metric_lines(copied)
    again = run(*TINY, f"--model_dir={copied}")
    assert again.code == 0
    assert "this run is complete: step 6" in again.lines
    assert metric_lines(copied) == metrics
    assert_same_values(values(copied), before)


def test_an_interrupted_run_ends_like_one_that_was_not(
    finished, tmp_path, monkeypatch
):
    directory = f"--model_dir={tmp_path}/run"
    make_report = pretrain.make_report

    def make_interrupting(*arguments):
        report = make_report(*arguments)

        def interrupt(step, *rest):
            report(step, *rest)
            if step == 2:
                os.kill(os.getpid(), signal.SIGTERM)

        return interrupt

    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "make_report", make_interrupting)
        stopped = run(*TINY, directory, "--steps_per_loop=1")
    assert stopped.code == 128 + signal.SIGTERM
    assert "stopped and saved at step 2" in stopped.lines
    assert checkpoint.committed_steps(f"{tmp_path}/run") == [2]
    resumed = run(*TINY, directory)
    assert resumed.code == 0, resumed.lines
    assert any(
        line.startswith("resumed at step 2: ") and " 0 missing" in line
        for line in resumed.lines
    )
    assert_same_values(values(f"{tmp_path}/run"), values(finished[0]))


def test_eval_needs_the_directory_alone(copied):
    with open(f"{copied}/result.json") as file:
        expected = json.load(file)
    os.remove(f"{copied}/result.json")
    outcome = run("--mode=eval", f"--model_dir={copied}")
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        assert json.load(file) == expected


def test_eval_of_one_checkpoint_in_odd_batches(copied):
    # It recalls the run from where it lies now, not where it was made.
    outcome = run(
        "--mode=eval",
        f"--checkpoint={copied}/ckpt-{LAST}",
        "--eval_batch_size=77",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        first = json.load(file)
    run("--mode=eval", f"--checkpoint={copied}/ckpt-3")
    with open(f"{copied}/result_3.json") as file:
        assert json.load(file)["global_step"] == 3
    with open(f"{copied}/result_{LAST}.json") as file:
        second = json.load(file)
    assert first == pytest.approx(second, abs=ONE_HIT)


def test_eval_of_a_few_batches(copied):
    outcome = run(
        "--mode=eval",
        f"--model_dir={copied}",
        "--eval_batch_size=50",
        "--eval_steps=1",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        accuracy = json.load(file)["eval/label_top_5_accuracy"]
    assert accuracy * 50 == pytest.approx(round(accuracy * 50))


def test_export_gives_the_features_of_the_run(finished, tmp_path):
    directory = finished[0]
    outcome = run(
        "--mode=export",
        f"--model_dir={directory}",
        f"--export_dir={tmp_path}/encoder",
    )
    assert outcome.code == 0, outcome.lines
    images = digits.open_digits("test").images[:5].astype(np.float32) / 255
    config = Config(
        model_dir=directory, resnet_depth=10, width_multiplier=0.125,
        proj_out_dim=8, image_size=8,
    )  # fmt: skip
    model = components.make_model(config, num_classes=10, sync_bn=False)
    model.build_on(8)
    found = values(directory)
    for variable in model.variables:
        key = f"model/{variable.path}/.ATTRIBUTES/VARIABLE_VALUE"
        variable.assign(found[key])
    expected = model(images, training=False).features
    for path in (f"{tmp_path}/encoder", f"{directory}/saved_model/{LAST}"):
        features = tf.saved_model.load(path)(images)
        np.testing.assert_allclose(features, expected, atol=SAME_FEATURES)


def test_a_warm_start_takes_weights_and_architecture_alone(finished, tmp_path):
    # At learning rate 0 the weights stay those of the checkpoint.
    warm = f"{finished[0]}/ckpt-{LAST}"
    directory = f"{tmp_path}/warm"
    outcome = run(
        *RUN,
        "--train_steps=1",
        "--learning_rate=0",
        f"--checkpoint={warm}",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    assert any(line.startswith("weights from") for line in outcome.lines)
    ours, theirs = values(directory, 1), values(finished[0])
    kernels = [k for k in ours if k.startswith("model/") and "kernel" in k]
    assert len(kernels) > 10
    for key in kernels:
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    exported = run("--mode=export", f"--model_dir={directory}")
    assert exported.lines == [f"exported to {directory}/saved_model/1"]


def test_two_replicas_equal_one(finished, tmp_path, mirrored):
    mirrored(2)  # sets collective numbers apart
    directory = f"{tmp_path}/two"
    outcome = run(*TINY, f"--model_dir={directory}", "--num_replicas=2")
    assert outcome.code == 0, outcome.lines
    assert any("on 2 replicas" in line for line in outcome.lines)
    one, two = (
        [row for row in metric_lines(path) if "learning_rate" in row]
        for path in (finished[0], directory)
    )
    for ours, theirs in zip(two, one, strict=True):
        ours, theirs = (
            {k: v for k, v in row.items() if k != "images_per_sec"}
            for row in (ours, theirs)
        )
        assert ours == pytest.approx(theirs, abs=REPLICAS_LOSS)
    ours, theirs = values(directory), values(finished[0])
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_allclose(
            value, theirs[key], atol=REPLICAS_WEIGHTS, err_msg=key
        )


def write_pictures(root, count, *, broken=None):
    """PNG files of many sizes; the one called `broken` is cut short."""
    generator = np.random.default_rng(0)
    tf.io.gfile.makedirs(root)
    for index in range(count):
        size = (9 + index % 3, 8 + index % 4, 3)
        pixels = generator.integers(0, 256, size, np.uint8)
        content = tf.io.encode_png(pixels).numpy()
        if index == broken:
            content = content[: len(content) // 2]
        with tf.io.gfile.GFile(f"{root}/{index:02}.png", "wb") as file:
            file.write(content)


FOLDER_RUN = (
    *NETWORK,
    "--train_batch_size=4",
    "--train_steps=3",
    "--warmup_epochs=0",
    "--checkpoint_steps=1",
    "--jit=off",
)


def test_unlabelled_remote_pictures_train_resume_and_export():
    root = "ram://end_to_end"
    write_pictures(f"{root}/pictures", 10)
    flags = (
        *FOLDER_RUN,
        f"--dataset=folder:{root}/pictures",
        f"--model_dir={root}/run",
    )
    outcome = run(*flags)
    assert outcome.code == 0, outcome.lines
    assert "no labels, so the online linear probe is off" in outcome.lines[0]
    expected = values(f"{root}/run", 3)
    for name in tf.io.gfile.glob(f"{root}/run/ckpt-3.*"):
        tf.io.gfile.remove(name)
    resumed = run(*flags)
    assert resumed.code == 0, resumed.lines
    assert resumed.lines[0].startswith("resumed at step 2")
    assert_same_values(values(f"{root}/run", 3), expected)
    assert [row["step"] for row in metric_lines(f"{root}/run")][-1] == 3
    exported = run("--mode=export", f"--model_dir={root}/run")
    assert exported.code == 0, exported.lines
    loaded = tf.saved_model.load(f"{root}/run/saved_model/3")
    assert loaded(tf.zeros([2, 8, 8, 3])).shape == (2, 64)


def test_a_picture_that_turns_out_unreadable_is_named(tmp_path, monkeypatch):
    # Folders this small are read whole at the start; larger ones are not.
    monkeypatch.setattr("simclr_tf.data.folder.MAX_CHECKED_FILES", 0)
    write_pictures(f"{tmp_path}/pictures", 8, broken=5)
    outcome = run(
        *FOLDER_RUN,
        f"--dataset=folder:{tmp_path}/pictures",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 1
    last = outcome.lines[-1]
    assert last.startswith("simclr-tf: images must be readable; ")
    assert f"{tmp_path}/pictures/05.png" in last
