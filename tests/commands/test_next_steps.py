"""How runs end: what to do next, and which scores are worth showing."""

import dataclasses

import pytest

from simclr_tf.commands import evaluate, next_steps, repeat
from simclr_tf.config import Config
from simclr_tf.data import digits
from simclr_tf.setup import model_dir

FACTS = {"num_classes": 2, "train_steps": 5}


def after(directory, *, facts=FACTS, **values):
    """What is said when such a run has ended."""
    given = {"dataset": "digits", "model_dir": str(directory)}
    config = Config(**given | values)
    if config.mode not in ("plan", "compare"):
        model_dir.open_run(config, facts)
    return next_steps.after(config)


def test_a_pretraining_is_scored_exported_or_fine_tuned(tmp_path):
    assert after(tmp_path) == (
        f"next: score it: --mode=eval --model_dir={tmp_path}; export it: "
        f"--mode=export --model_dir={tmp_path}; fine-tune it: "
        f"--train_mode=finetune --checkpoint={tmp_path} --model_dir=NEW; train "
        "it longer: --extend and a larger --train_epochs"
    )
    line = after(tmp_path / "b", train_steps=9)
    assert line.endswith("--extend and a larger --train_steps")


def test_without_labels_there_is_nothing_to_score_by(tmp_path):
    without = FACTS | {"num_classes": None}
    assert "--mode=eval" not in after(tmp_path, facts=without)
    line = after(
        tmp_path / "b", facts=without, lineareval_while_pretraining=False
    )
    assert "--mode=eval --eval_protocol=frozen" in line


@pytest.mark.parametrize("mode", ["eval", "train_then_eval"])
def test_after_scores(tmp_path, mode):
    line = after(tmp_path, mode=mode)
    assert line.startswith(f"next: look at {tmp_path}/report and ")
    assert f"--mode=label_curve --checkpoint={tmp_path}" in line
    line = after(
        tmp_path / "b", mode=mode, train_mode="finetune", from_scratch=True
    )
    assert f"--mode=compare --model_dir={tmp_path}/b" in line


def test_a_checkpoint_is_looked_for_where_it_lies(tmp_path):
    after(tmp_path)
    (tmp_path / "ckpt-5.index").touch()
    line = next_steps.after(
        Config(mode="eval", checkpoint=f"{tmp_path}/ckpt-5")
    )
    assert f"--checkpoint={tmp_path} " in line


def test_of_others_enough_is_said(tmp_path):
    assert "without --mode=plan" in after(tmp_path, mode="plan")
    assert after(tmp_path, mode="compare", compare_with="b") is None
    assert after(tmp_path, num_seeds=2) is None


@pytest.mark.parametrize(("num_classes", "is_shown"), [(5, False), (6, True)])
def test_top_5_of_five_classes_tells_nothing(num_classes, is_shown):
    source = dataclasses.replace(
        digits.open_digits("test"), num_classes=num_classes
    )
    result = {evaluate.TOP_1: 0.5, evaluate.TOP_5: 1, evaluate.PER_CLASS: 0.25}
    line = evaluate.headline(source, result, "online probe")
    assert ("top-5" in line) == is_shown
    assert line.startswith("digits test: online probe top-1 50.00%, ")
    assert line.endswith("mean per class 25.00%")
    assert evaluate.headline(source, {}, "online probe") is None


def test_nor_does_it_over_seeds():
    summary = repeat.summarize(
        [{evaluate.TOP_1: 0.5, evaluate.TOP_5: 1.0}] * 2
        + [{evaluate.TOP_1: 0.6, evaluate.TOP_5: 1.0}]
    )
    (_, line) = repeat.lines(summary, num_seeds=3)
    assert "top_1" in line
