"""Official files through the command line: imported, evaluated, exported."""

import json
import os

import numpy as np
import official_files
import official_weights
import pytest
import tensorflow as tf
from command_line import run

GOLDENS = official_weights.GOLDENS
NAME = "r18_cifar"
# Five times what the official code differs from itself, as in checkpoints.
TOLERANCE = (
    5
    * json.loads((GOLDENS / "network_noise.json").read_text())[
        f"{NAME}/eval/final_avg_pool"
    ]
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An official checkpoint of each kind, with the recorded weights."""
    root = tmp_path_factory.mktemp("official")
    table = official_files.variables(NAME)
    official_files.write_tf2(table, f"{root}/tf2/ckpt-5")
    official_files.write_saved_model(table, f"{root}/saved_model/5")
    tensors = official_files.tf1_tensors(NAME)
    official_files.write_tf1(tensors, f"{root}/tf1/model.ckpt-5")
    return {
        "tf2": f"{root}/tf2",
        "saved_model": f"{root}/saved_model/5",
        "tf1": f"{root}/tf1/model.ckpt-5",
    }


@pytest.fixture(scope="module")
def recorded():
    return dict(np.load(GOLDENS / f"network_{NAME}.npz"))


def assert_features(directory, recorded):
    images = official_weights.split_views(official_weights.recorded_input(NAME))
    features = tf.saved_model.load(directory)(images)
    expected = recorded["eval/final_avg_pool"]
    np.testing.assert_allclose(
        features, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max()
    )


@pytest.fixture(scope="module")
def imported(files, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("imported") / "run")
    outcome = run(
        "--mode=import",
        f"--checkpoint={files['tf2']}",
        f"--model_dir={directory}",
    )
    assert outcome.code == 0, outcome.lines
    return directory, outcome


def test_the_report_says_what_matched(imported, files):
    directory, outcome = imported
    assert outcome.lines == [
        f"weights from {files['tf2']}/ckpt-5 (official TF2 checkpoint, step "
        "7; not restored: 7 optimizer variables): 121 matched, 0 missing, "
        "0 unexpected, 0 of another shape",
        "the supervised head is assumed to read ft_proj_selector=0",
        f"imported to {directory}/ckpt-7",
        f"next: score it: --mode=eval --model_dir={directory}; export it: "
        f"--mode=export --model_dir={directory}; fine-tune it: "
        f"--train_mode=finetune --checkpoint={directory} --model_dir=NEW",
    ]


def test_an_import_exports_the_recorded_features(imported, recorded):
    directory, _ = imported
    outcome = run("--mode=export", f"--model_dir={directory}")
    assert outcome.code == 0, outcome.lines
    assert_features(f"{directory}/saved_model/7", recorded)


def test_an_import_is_evaluated_on_any_data(imported):
    outcome = run(
        "--mode=eval",
        f"--model_dir={imported[0]}",
        "--dataset=digits",
        "--eval_split=test",
        "--image_size=8",
        "--eval_steps=1",
    )
    assert outcome.code == 1
    assert "image_size=32, asked for image_size=8" in outcome.lines[0]
    outcome = run(
        "--mode=eval",
        f"--model_dir={imported[0]}",
        "--dataset=digits",
        "--eval_split=test",
        "--eval_steps=1",
        "--eval_batch_size=16",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{imported[0]}/result_7.json") as file:
        result = json.load(file)
    assert result["global_step"] == 7
    assert 0 <= result["eval/label_top_1_accuracy"] <= 1


@pytest.mark.slow
def test_an_import_starts_a_training_without_its_head(imported, tmp_path):
    flags = (
        "--dataset=digits",
        "--train_batch_size=8",
        "--train_steps=1",
        "--warmup_epochs=0",
        "--learning_rate=0",
        "--jit=off",
    )
    outcome = run(
        *flags, f"--checkpoint={imported[0]}", f"--model_dir={tmp_path}/run"
    )
    assert outcome.code == 0, outcome.lines
    assert any("119 matched" in line for line in outcome.lines)
    assert "2 variables newly initialised" in outcome.lines
    refused = run(*flags, f"--model_dir={imported[0]}")
    assert refused.code == 1
    assert "model_dir must hold no imported weights" in refused.lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["saved_model", "tf1"])
def test_an_export_straight_from_the_official_file(
    files, recorded, kind, tmp_path
):
    outcome = run(
        "--mode=export",
        f"--checkpoint={files[kind]}",
        f"--export_dir={tmp_path}/encoder",
    )
    assert outcome.code == 0, outcome.lines
    assert_features(f"{tmp_path}/encoder", recorded)


@pytest.mark.slow
def test_our_export_is_imported_again(imported, files, tmp_path):
    exported = run(
        "--mode=export",
        f"--model_dir={imported[0]}",
        f"--export_dir={tmp_path}/encoder",
    )
    assert exported.code == 0, exported.lines
    outcome = run(
        "--mode=import",
        f"--checkpoint={tmp_path}/encoder",
        f"--model_dir={tmp_path}/again",
    )
    assert outcome.code == 0, outcome.lines
    assert "SavedModel of simclr_tf, step 7" in outcome.lines[0]
    assert "121 matched" in outcome.lines[0]
    first, again = (
        tf.train.load_checkpoint(f"{path}/ckpt-7")
        for path in (imported[0], f"{tmp_path}/again")
    )
    for key in first.get_variable_to_shape_map():
        if key.endswith("VARIABLE_VALUE"):
            np.testing.assert_array_equal(
                first.get_tensor(key), again.get_tensor(key)
            )


def refused(*flags):
    outcome = run(*flags)
    assert outcome.code == 1, outcome
    (line,) = outcome.lines
    return line.removeprefix("simclr-tf: ")


def test_another_depth_is_refused(files, tmp_path):
    line = refused(
        "--mode=import",
        f"--checkpoint={files['tf1']}",
        "--resnet_depth=50",
        f"--model_dir={tmp_path}/run",
    )
    assert line == (
        f"resnet_depth must be 18, as in the checkpoint '{files['tf1']}'; "
        "got 50"
    )
    assert os.listdir(tmp_path) == []


def test_a_directory_that_holds_a_run_is_left_alone(imported, files):
    before = sorted(os.listdir(imported[0]))
    line = refused(
        "--mode=import",
        f"--checkpoint={files['tf2']}",
        f"--model_dir={imported[0]}",
    )
    assert line.startswith("model_dir must hold no run yet to import to")
    assert sorted(os.listdir(imported[0])) == before


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--checkpoint=c"], "model_dir must be given"),
        (["--model_dir=d"], "checkpoint must be given for mode=import"),
    ],
)
def test_both_places_are_needed(flags, line):
    assert refused("--mode=import", *flags).startswith(line)


def test_evaluating_a_bare_checkpoint_needs_a_place(files):
    line = refused(
        "--mode=eval",
        f"--checkpoint={files['tf2']}",
        "--dataset=digits",
        "--eval_split=test",
    )
    assert line.startswith("model_dir must be given for the results")


def test_a_head_for_other_classes_is_not_evaluated(tmp_path):
    table = official_files.variables(NAME)
    for leaf, shape in (("kernel", [512, 4]), ("bias", [4])):
        key = f"model/supervised_head/linear_layer/dense/{leaf}"
        table[key] = tf.Variable(tf.zeros(shape))
    prefix = official_files.write_tf2(table, f"{tmp_path}/ckpt-1")
    line = refused(
        "--mode=eval",
        f"--checkpoint={prefix}",
        f"--model_dir={tmp_path}/run",
        "--dataset=digits",
        "--eval_split=test",
    )
    assert line.startswith("eval_split must have the 4 classes")


def test_an_import_never_overwrites_the_file_it_reads(files):
    before = {
        n: os.path.getmtime(f"{files['tf2']}/{n}")
        for n in os.listdir(files["tf2"])
    }
    line = refused(
        "--mode=import",
        f"--checkpoint={files['tf2']}",
        f"--model_dir={files['tf2']}",
    )
    assert line.startswith("model_dir must hold no checkpoints but its run's")
    after = {
        n: os.path.getmtime(f"{files['tf2']}/{n}")
        for n in os.listdir(files["tf2"])
    }
    assert after == before


def test_weights_that_are_not_finite_claim_nothing(tmp_path):
    table = official_files.variables(NAME)
    key = "model/resnet_model/initial_conv_relu_max_pool/2/bn/gamma"
    table[key] = tf.Variable(tf.fill([64], float("nan")))
    prefix = official_files.write_tf2(table, f"{tmp_path}/nan/ckpt-1")
    outcome = run(
        "--mode=import",
        f"--checkpoint={prefix}",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 1
    assert "weights must stay finite" in outcome.lines[-1]
    assert os.listdir(tmp_path) == ["nan"]


def test_the_card_of_a_direct_export_claims_no_training(files, tmp_path):
    outcome = run(
        "--mode=export",
        f"--checkpoint={files['saved_model']}",
        f"--export_dir={tmp_path}/e/",
        "--export_format=keras",
    )
    assert outcome.code == 0, outcome.lines
    with open(f"{tmp_path}/e/README.md") as file:
        card = file.read()
    assert f"| weights from | {files['saved_model']} |" in card
    assert "trained on" not in card
    with open(f"{tmp_path}/e/simclr_metadata.json") as file:
        assert "dataset" not in json.load(file)["identity"]


def test_a_stranger_in_the_encoder_is_named(tmp_path):
    for write, name in (
        (official_files.write_tf2, "ckpt-1"),
        (official_files.write_saved_model, "saved"),
    ):
        table = official_files.variables(NAME)
        extra = "model/resnet_model/block_groups/0/layers/0/attention/kernel"
        table[extra] = tf.Variable(tf.zeros([3]))
        path = write(table, f"{tmp_path}/{name}")
        line = refused(
            "--mode=import",
            f"--checkpoint={path}",
            f"--model_dir={tmp_path}/run",
        )
        assert "1 unexpected" in line
        assert "(unexpected model/resnet_model/" in line


@pytest.mark.slow
def test_evaluating_a_checkpoint_elsewhere_makes_the_place(imported, tmp_path):
    outcome = run(
        "--mode=eval",
        f"--checkpoint={imported[0]}",
        f"--model_dir={tmp_path}/new/place",
        "--dataset=digits",
        "--eval_split=test",
        "--eval_steps=1",
        "--eval_batch_size=16",
    )
    assert outcome.code == 0, outcome.lines
    assert os.path.exists(f"{tmp_path}/new/place/result_7.json")
