"""A whole run on a split of which some images have no label."""

import dataclasses
import json

import numpy as np
import pytest
from command_line import TINY, metric_lines, run

from simclr_tf.data import digits

pytestmark = pytest.mark.usefixtures("no_export")


@pytest.fixture
def partly_labelled(monkeypatch):
    """Two thirds of the digits lose their label, in training and test."""
    honest = digits.open_digits

    def opened(split):
        source = honest(split)
        has_label = np.arange(source.num_examples) % 3 == 0
        labels = np.where(has_label, source.labels, -1).astype(np.int32)
        return dataclasses.replace(source, labels=labels)

    monkeypatch.setattr(digits, "open_digits", opened)


@pytest.mark.slow
def test_pretraining_and_every_score(partly_labelled, tmp_path):
    outcome = run(
        *TINY,
        "--mode=train_then_eval",
        "--eval_protocol=frozen",
        "--eval_methods=knn",
        "--eval_baselines=",
        "--eval_label_budgets=all",
        "--knn_every_epochs=1",
        "--knn_neighbors=5",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 0, outcome.lines
    assert "10 classes of 479 images, online linear probe on" in "\n".join(
        outcome.lines
    )
    rows = metric_lines(f"{tmp_path}/run")
    losses = [r["train/supervised_loss"] for r in rows if "train/" in str(r)]
    assert losses
    assert np.isfinite(losses).all()
    result = json.loads((tmp_path / "run/result.json").read_text())
    assert 0 < result["eval/label_top_1_accuracy"] < 1
    (score,) = result["frozen"]["pretrained"]
    assert score["mean"] > 0.3


def test_a_probe_asked_for_without_labels_is_one_line(tmp_path):
    from PIL import Image

    for index in range(4):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{index}.png")
    outcome = run(
        *TINY,
        f"--dataset=folder:{tmp_path}",
        "--train_batch_size=4",
        "--lineareval_while_pretraining",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 1
    assert outcome.lines == [
        "simclr-tf: lineareval_while_pretraining needs labels; "
        f"'folder:{tmp_path}' split 'train' has none: no labels, "
        "as most images lie in no class folder"
    ]
    assert not (tmp_path / "run").exists()
