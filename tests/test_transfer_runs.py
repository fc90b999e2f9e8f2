"""The transfer protocol from the command line."""

import csv
import dataclasses
import glob
import json
import os
import shutil

import numpy as np
import pytest
from command_line import assert_same_values, run, values

from simclr_tf.commands import transfer_finetune, transfer_linear
from simclr_tf.config import Config
from simclr_tf.data import digits, labelled, transfer_sets
from simclr_tf.evaluation import features
from simclr_tf.setup import given_checkpoint, given_images, networks

pytestmark = pytest.mark.usefixtures("no_export")

LAST = 6
GRID = (
    "--transfer_method=finetune",
    "--transfer_steps=4",
    "--transfer_batch_size=32",
    "--transfer_learning_rates=0.01,0.1",
    "--transfer_weight_decays=0",
)


@pytest.fixture
def copied(pretrained, tmp_path):
    return shutil.copytree(pretrained, tmp_path / "run")


def evaluate(directory, *arguments):
    return run(
        "--mode=eval",
        "--eval_protocol=transfer",
        "--nodownload",
        f"--model_dir={directory}",
        *arguments,
    )


def test_linear_and_what_is_not_here(copied, tmp_path):
    outcome = evaluate(
        copied, "--transfer_datasets=digits,birdsnap,dtd", "--probe_l2=0.01,1",
        f"--data_dir={tmp_path}/nothing",
    )  # fmt: skip
    assert outcome.code == 0, outcome.lines
    title, _, first, *others = outcome.output.splitlines()
    assert title == "scores % of logistic regression on frozen features:"
    assert first.startswith("digits    accuracy")
    for name, line in zip(("birdsnap", "dtd"), others, strict=True):
        assert line.startswith(name)
        assert "not measured" in line
    with open(f"{copied}/result.json") as file:
        found = json.load(file)["transfer"]["linear"]
    assert found["digits"]["score"] > 0.5
    assert found["digits"]["setting"]["l2"] in (0.01, 1)
    assert found["birdsnap"]["published"] == 37.4
    with open(f"{copied}/report/transfer_linear_{LAST}.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] == "not measured" for row in rows] == [0, 1, 1]
    assert float(rows[0]["score"]) == found["digits"]["score"]


def test_sets_that_were_scored_before_stay(copied):
    for name in ("digits", "again=digits"):
        outcome = evaluate(
            copied, f"--transfer_datasets={name}", "--probe_l2=1"
        )
        assert outcome.code == 0, outcome.lines
    assert [line.split()[0] for line in outcome.output.splitlines()[2:]] == [
        "digits",
        "again",
    ]
    with open(f"{copied}/result.json") as file:
        found = json.load(file)["transfer"]["linear"]
    assert found["digits"]["score"] == found["again"]["score"]
    with open(f"{copied}/report/transfer_linear_{LAST}.csv") as file:
        assert [row["dataset"] for row in csv.DictReader(file)] == [
            "digits",
            "again",
        ]


def equal_outputs(config, source):
    """Logits of an untrained network."""
    return features.Features(np.zeros([source.num_examples, 10]), source.labels)


def test_runs_of_fine_tuning_are_of_one_encoder(copied, monkeypatch):
    trained = []

    def remember(config, **_):
        trained.append(config.model_dir)

    monkeypatch.setattr(transfer_finetune.finetune, "run", remember)
    monkeypatch.setattr(transfer_finetune, "outputs_of_run", equal_outputs)
    for step in (3, LAST, LAST):
        checkpoint = f"--checkpoint={copied}/ckpt-{step}"
        outcome = evaluate(
            copied, checkpoint, "--transfer_datasets=digits", *GRID
        )
        assert outcome.code == 0, outcome.lines
    assert len(trained) == 9
    assert len(set(trained)) == 6
    assert trained[3:6] == trained[6:]


@pytest.mark.parametrize(("rows", "num_parts"), [(287, 1), (99, 5)])
def test_few_validation_images_do_not_choose_alone(
    copied, monkeypatch, rows, num_parts
):
    """Equal points are chosen from the middle, folds hold out every image."""
    trained, scored = [], []

    def remember(config, *, open_whole):
        trained.append((config.model_dir, open_whole(config).num_examples))

    def outputs(config, source):
        scored.append(source.num_examples)
        return equal_outputs(config, source)

    monkeypatch.setattr(transfer_finetune.finetune, "run", remember)
    monkeypatch.setattr(transfer_finetune, "outputs_of_run", outputs)
    config, model, each = opened(
        copied,
        transfer_method="finetune",
        transfer_learning_rates=[0.1, 0.001, 0.01],
        transfer_weight_decays=[0.0],
    )
    each = each._replace(
        train="train[:300]", validation=f"train[300:{300 + rows}]",
        final=f"train[:{300 + rows}]",
    )  # fmt: skip
    transfer = transfer_finetune.FinetuneTransfer(config, model, str(copied))
    found = transfer.choose(each)
    assert found.setting == {"learning_rate": 0.01, "weight_decay": 0.0}
    assert len(set(trained)) == len(trained) == 3 * num_parts
    if num_parts == 1:
        assert (trained[0][1], scored[0]) == (300, rows)
    else:
        assert sum(scored) == 3 * (300 + rows)
        for (_, fitted), held in zip(trained, scored, strict=True):
            assert fitted + held == 300 + rows


@pytest.mark.slow
def test_a_grid_may_diverge_and_grow(copied):
    grid = [
        "--transfer_learning_rates=1e12,0.01" if "rates" in flag else flag
        for flag in GRID
    ]
    outcome = evaluate(copied, "--transfer_datasets=digits", *grid)
    assert outcome.code == 0, outcome.lines
    assert "must stay finite" in "\n".join(outcome.lines)
    larger = [flag.replace("1e12,0.01", "0.01,0.1,0.3") for flag in grid]
    outcome = evaluate(copied, "--transfer_datasets=digits", *larger)
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        setting = json.load(file)["transfer"]["finetune"]["digits"]["setting"]
    assert setting["learning_rate"] in (0.01, 0.1, 0.3)


def test_one_that_diverges_is_not_measured(copied):
    grid = [
        "--transfer_learning_rates=1e12" if "rates" in flag else flag
        for flag in GRID
    ]
    outcome = evaluate(copied, "--transfer_datasets=digits", *grid)
    assert outcome.code == 1
    assert "digits: " in outcome.lines[-1]
    assert "must stay finite" in outcome.lines[-1]


def test_a_set_of_other_classes_is_warned_of(copied):
    name = "--transfer_datasets=pets=digits"
    outcome = evaluate(copied, name, "--probe_l2=1")
    assert outcome.code == 0, outcome.lines
    assert "pets split" in "\n".join(outcome.lines)
    assert "10 classes, not the paper's 37" in "\n".join(outcome.lines)


@pytest.mark.slow
def test_fine_tuning_chooses_on_validation_and_resumes(copied):
    outcome = evaluate(copied, "--transfer_datasets=digits", *GRID)
    assert outcome.code == 0, outcome.lines
    (of_encoder,) = os.listdir(f"{copied}/transfer")
    runs = f"{copied}/transfer/{of_encoder}/digits"
    assert len(os.listdir(runs)) == 3
    (final,) = glob.glob(f"{runs}/final_*")
    with open(f"{final}/config.json") as file:
        config = json.load(file)["config"]
    assert config["train_split"] == "train"
    assert config["batch_norm_decay"] == 0.9
    with open(f"{copied}/result.json") as file:
        first = json.load(file)["transfer"]["finetune"]["digits"]
    assert first["setting"]["learning_rate"] in (0.01, 0.1)
    rate = first["setting"]["learning_rate"] * 256 / 32
    assert config["learning_rate"] == pytest.approx(rate)

    shutil.rmtree(final)
    again = evaluate(copied, "--transfer_datasets=digits", *GRID)
    assert sum("run is complete" in line for line in again.lines) == 2
    with open(f"{copied}/result.json") as file:
        assert json.load(file)["transfer"]["finetune"]["digits"] == first


def opened(copied, **options):
    """The configuration of a transfer, the encoder, and the digits."""
    config, facts = given_checkpoint.recall(
        Config(mode="eval", model_dir=str(copied), **options)
    )
    model = networks.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(str(copied), model)
    (each,) = transfer_sets.find(["digits"])
    return config, model, each


def test_linear_sees_the_whole_square(copied, monkeypatch):
    asked = []
    honest = given_images.eval_batches

    def remember(config, source, **recipe):
        asked.append(recipe)
        return honest(config, source, **recipe)

    monkeypatch.setattr(given_images, "eval_batches", remember)
    config, model, each = opened(copied, probe_l2=[0.1])
    transfer_linear.LinearTransfer(config, model, None)(each)
    assert asked == 3 * [{"central_fraction": 1.0}]


def test_images_without_a_label_play_no_part(copied, monkeypatch):
    """In training, choice and score: as if they were not in the set."""
    honest = digits.open_digits
    found = []

    def scattered(split):
        source = honest(split)
        has_label = np.arange(source.num_examples) % 3 > 0
        labels = np.where(has_label, source.labels, -1).astype(np.int32)
        return dataclasses.replace(source, labels=labels)

    for open_digits in (
        scattered,
        lambda split: labelled.only(scattered(split)),
    ):
        monkeypatch.setattr(digits, "open_digits", open_digits)
        config, model, each = opened(copied, probe_l2=[0.001, 0.1, 10])
        found.append(transfer_linear.LinearTransfer(config, model, None)(each))
    assert found[0] == found[1]
    assert 0.5 < found[0][0] < 1


def test_permuted_test_labels_choose_and_fit_nothing(
    copied, permute_test_labels
):
    config, model, each = opened(copied, probe_l2=[0.001, 0.1, 10])

    def fitted():
        transfer = transfer_linear.LinearTransfer(config, model, None)
        return transfer.fit(each), transfer(each)

    ours, (score, setting) = fitted()
    shutil.rmtree(f"{copied}/features")
    permute_test_labels()
    theirs, (other_score, other_setting) = fitted()
    assert ours.choice == theirs.choice
    for mine, other in zip(ours.classifier, theirs.classifier, strict=True):
        assert mine.tobytes() == other.tobytes()
    assert setting == other_setting
    assert score != other_score


@pytest.mark.slow
def test_permuted_test_labels_do_not_turn_fine_tuning(
    copied, permute_test_labels
):
    config, model, each = opened(
        copied,
        transfer_method="finetune",
        transfer_steps=8,
        transfer_batch_size=32,
        transfer_learning_rates=[0.01, 0.1],
        transfer_weight_decays=[0.0],
    )

    def tuned():
        transfer = transfer_finetune.FinetuneTransfer(
            config, model, str(copied)
        )
        score, setting = transfer(each)
        (of_encoder,) = os.listdir(f"{copied}/transfer")
        (final,) = glob.glob(f"{copied}/transfer/{of_encoder}/digits/final_*")
        weights = values(final, config.transfer_steps)
        shutil.rmtree(f"{copied}/transfer")
        return score, setting, weights

    score, setting, weights = tuned()
    permute_test_labels()
    other_score, other_setting, other_weights = tuned()
    assert setting == other_setting
    assert_same_values(weights, other_weights)
    assert score != other_score


SPLITS = {"train": 30, "validation": 20, "test": 25}


@pytest.fixture(scope="module")
def voc_dir(tmp_path_factory):
    """data_dir with a set in the form of VOC 2007: bright tops, left sides."""
    import tensorflow_datasets as tfds

    directory = str(tmp_path_factory.mktemp("tfds"))
    objects = {"label": tfds.features.ClassLabel(names=["top", "left"])}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_voc",
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(8, 8, 3)),
                "objects": tfds.features.Sequence(objects),
                "labels": tfds.features.Sequence(objects["label"]),
            }
        ),
        split_datasets={
            name: [(i, several_classes(i + 100 * size)) for i in range(size)]
            for name, size in SPLITS.items()
        },
        data_dir=directory,
    )
    return directory


def several_classes(seed):
    generator = np.random.default_rng(seed)
    seen = generator.random(2) < 0.5
    image = generator.integers(0, 100, (8, 8, 3), np.uint8)
    image[:4] += np.uint8(100 * seen[0])
    image[:, :4] += np.uint8(50 * seen[1])
    labels = np.flatnonzero(seen).tolist()
    return {
        "image": image,
        "objects": [{"label": label} for label in labels],
        "labels": labels,
    }


@pytest.mark.parametrize(
    "method",
    [["--probe_l2=0.1"], pytest.param(GRID, marks=pytest.mark.slow)],
    ids=["linear", "finetune"],
)
def test_images_that_show_several_classes(copied, voc_dir, method):
    outcome = evaluate(
        copied, "--transfer_datasets=voc2007=tiny_voc", *method,
        f"--data_dir={voc_dir}",
    )  # fmt: skip
    assert outcome.code == 0, outcome.lines
    with open(f"{copied}/result.json") as file:
        (rows,) = json.load(file)["transfer"].values()
    row = rows["voc2007"]
    assert row["metric"] == "map"
    assert 0 < row["score"] <= 1
    if "--probe_l2=0.1" not in method:
        text = "\n".join(outcome.lines)
        assert "2 yes-or-no cross-entropies" in text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("digits,digits", "transfer_datasets must name each set once"),
        ("birdsnap", "birdsnap: it must be given as birdsnap=folder:PATH"),
        ("birdsnap=folder:/no/such", "transfer_datasets must name a set that"),
    ],
)
def test_mistakes_are_one_line(copied, names, message):
    outcome = evaluate(copied, f"--transfer_datasets={names}")
    assert outcome.code == 1
    assert message in outcome.lines[-1]
