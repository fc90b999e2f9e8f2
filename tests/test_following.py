"""`--mode=eval` beside training: checkpoints of another process are scored."""

import os
import pathlib
import subprocess
import sys

import pytest
from command_line import TINY, run

from simclr_tf import files
from simclr_tf.commands import evaluate
from simclr_tf.evaluation import predictions

ROOT = pathlib.Path(__file__).parent.parent
LAST = 6
POLL_SECS = 0.2
TIMEOUT_SECS = 300
TOP_1 = "eval/label_top_1_accuracy"


@pytest.fixture
def half_way(tmp_path):
    """A run that was killed after step 3 of 6."""
    directory = tmp_path / "run"
    outcome = run(*TINY, f"--model_dir={directory}")
    assert outcome.code == 0, outcome.lines
    for path in directory.glob(f"ckpt-{LAST}.*"):
        path.unlink()
    return directory


@pytest.mark.slow
def test_a_later_checkpoint_of_another_process_is_scored(half_way, monkeypatch):
    monkeypatch.setattr(evaluate, "POLL_SECS", POLL_SECS)
    make_result, steps = evaluate.write_result, []

    def write_then_train_on(config, result, step, **names):
        make_result(config, result, step, **names)
        steps.append(step)
        if step == LAST:
            return
        steps.append(
            subprocess.Popen(
                [sys.executable, "run.py", *TINY, f"--model_dir={half_way}"],
                cwd=ROOT,
                env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
                stderr=subprocess.DEVNULL,
            )
        )

    monkeypatch.setattr(evaluate, "write_result", write_then_train_on)
    outcome = run("--mode=eval", f"--model_dir={half_way}")
    assert outcome.code == 0, outcome.lines
    first, trainer, last = steps
    assert (first, last) == (3, LAST)
    assert trainer.wait(TIMEOUT_SECS) == 0
    newest = files.read_json(half_way / "result.json")
    assert newest == files.read_json(half_way / f"result_{LAST}.json")
    for step in (first, last):
        result = files.read_json(half_way / f"result_{step}.json")
        found = predictions.load(half_way / f"predictions_{step}.npz")
        assert result["global_step"] == step
        assert result[TOP_1] == found.correct.mean()
        assert (half_way / f"report/confusion_{step}.png").exists()
        line = f"step {step}  digits test: online probe top-1 "
        assert any(text.startswith(line) for text in outcome.lines)
