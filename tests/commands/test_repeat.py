"""`--num_seeds`: one result of several runs."""

import os
import signal
import weakref

import numpy as np
import pytest
from command_line import TINY, run

from simclr_tf import errors, files
from simclr_tf.checkpoints import checkpoint
from simclr_tf.commands import repeat
from simclr_tf.config import Config
from simclr_tf.methods import training_run
from simclr_tf.setup import model_dir

LAST = 3
SEEDS = (
    *TINY,
    "--mode=train_then_eval",
    "--train_mode=finetune",
    "--from_scratch",
    "--labels_per_class=10",
    f"--train_steps={LAST}",
    "--steps_per_loop=1",
    "--seed=5",
    "--num_seeds=2",
)
T_2 = 4.302653
"""97.5% quantile of Student's t with 2 degrees of freedom, from a table."""
ACCURACIES = (0.5, 0.6, 0.8)


def results():
    return [
        {
            "global_step": 7,
            "eval/top": accuracy,
            "frozen": {"knn": {"all": 2 * accuracy}, "name": "knn"},
            "seen": True,
        }
        for accuracy in ACCURACIES
    ]


def test_mean_and_interval_by_hand():
    summary = repeat.summarize(results())
    assert list(summary) == ["global_step", "eval/top", "frozen/knn/all"]
    assert summary["global_step"] == 7
    found = summary["eval/top"]
    assert found["values"] == list(ACCURACIES)
    assert found["mean"] == pytest.approx(1.9 / 3)
    deviation = np.sqrt(sum((a - 1.9 / 3) ** 2 for a in ACCURACIES) / 2)
    expected = T_2 * deviation / np.sqrt(3)
    assert found["half_width"] == pytest.approx(expected, rel=1e-6)
    nested = summary["frozen/knn/all"]
    assert nested["half_width"] == pytest.approx(2 * expected, rel=1e-6)


def test_lists_of_scores_go_by_their_words():
    scores = [
        {"method": "knn", "budget": "1%", "accuracies": [0.1], "mean": 0.1},
        {"method": "knn", "budget": "all", "accuracies": [0.3], "mean": 0.3},
    ]
    found = repeat.flatten({"frozen": {"pixels": scores}, "seeds": [1, 2]})
    assert found == {
        "frozen/pixels/knn 1%/mean": 0.1,
        "frozen/pixels/knn all/mean": 0.3,
    }


def test_what_no_seed_changes_has_no_interval():
    found = repeat.summarize([{"top": 0.6444}] * 3)["top"]
    assert found == {"mean": 0.6444, "half_width": None, "values": [0.6444] * 3}


def test_counts_that_differ_have_a_mean():
    summary = repeat.summarize([{"k": 20}, {"k": 200}])
    assert summary["k"]["mean"] == 110
    assert summary["k"]["values"] == [20, 200]


def test_what_a_seed_lacks_is_left_out():
    first, *rest = results()
    assert "extra" not in repeat.summarize([first | {"extra": 1.0}, *rest])


def test_the_lines_say_it_briefly():
    heading, steps, top, _ = repeat.lines(
        repeat.summarize(results()), num_seeds=3
    )
    assert heading == "3 seeds, mean and 95% confidence interval"
    assert steps.split() == ["global_step", "7"]
    assert top.split() == ["eval/top", "0.6333", "±", "0.3795"]


def test_every_seed_has_its_directory_and_the_top_the_result(tmp_path):
    config = Config(model_dir=str(tmp_path), seed=4, num_seeds=3)
    seen = []

    def run_once(of_seed):
        seen.append((of_seed.seed, of_seed.num_seeds, of_seed.model_dir))
        return results()[len(seen) - 1]

    summary = repeat.run(config, run_once)
    assert seen == [(s, 1, f"{tmp_path}/seed_{s}") for s in (4, 5, 6)]
    written = files.read_json(f"{tmp_path}/result.json")
    assert written == {"seeds": [4, 5, 6], **summary}


def test_models_of_earlier_seeds_are_let_go(tmp_path):
    """A training's result holds its model."""
    alive = []

    class Trained:
        """Stands in for a result that is no dict."""

    def train(_):
        assert not [found for found in alive if found() is not None]
        trained = Trained()
        alive.append(weakref.ref(trained))
        return trained

    config = Config(model_dir=str(tmp_path), num_seeds=3)
    assert repeat.run(config, train) == {}
    assert len(alive) == 3


@pytest.mark.parametrize(
    ("options", "cache"),
    [
        ({"mode": "eval", "checkpoint": "c"}, "here/features"),
        ({"mode": "eval", "checkpoint": "c", "feature_cache": "f"}, "f"),
        ({"mode": "eval"}, None),
        ({"mode": "train_then_eval", "checkpoint": "c"}, None),
    ],
)
def test_seeds_of_one_checkpoint_share_its_features(options, cache):
    config = Config(model_dir="here", num_seeds=2, **options)
    assert repeat.of_seed(config, 1).feature_cache == cache


def test_a_single_run_is_not_written_over(tmp_path):
    config = Config(model_dir=str(tmp_path))
    model_dir.open_run(config, {})
    with pytest.raises(errors.UserError, match="must hold no run, as every"):
        repeat.run(config.replace(num_seeds=2), pytest.fail)


def test_what_scores_nothing_writes_nothing(tmp_path):
    config = Config(model_dir=f"{tmp_path}/new", num_seeds=2)
    assert repeat.run(config, lambda config: 7) == {}
    assert os.listdir(tmp_path) == []


def interrupting(make_report):
    """`make_report` of a run that is stopped in its second seed."""

    def make(opened, *rest):
        report = make_report(opened, *rest)

        def interrupt(step, *values):
            report(step, *values)
            if opened.config.seed == 6 and step == 1:
                os.kill(os.getpid(), signal.SIGTERM)

        return interrupt

    return make


def saved(directory):
    """Name -> (time, size) of the checkpoints of a run."""
    return {
        entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size)
        for entry in os.scandir(directory)
        if entry.name.startswith("ckpt-")
    }


@pytest.mark.slow
def test_stopped_in_the_second_seed_it_goes_on_there(tmp_path, monkeypatch):
    directory = f"--model_dir={tmp_path}"
    with monkeypatch.context() as patch:
        make_report = interrupting(training_run.make_report)
        patch.setattr(training_run, "make_report", make_report)
        stopped = run(*SEEDS, directory)
    assert stopped.code == 128 + signal.SIGTERM
    assert checkpoint.committed_steps(f"{tmp_path}/seed_6") == [1]
    assert not (tmp_path / "result.json").exists()
    first = saved(tmp_path / "seed_5")
    assert any(name.startswith(f"ckpt-{LAST}.") for name in first)
    outcome = run(*SEEDS, directory)
    assert outcome.code == 0, outcome.lines
    assert saved(tmp_path / "seed_5") == first
    text = "\n".join(outcome.lines)
    complete = text.index(f"this run is complete: step {LAST}")
    resumed = text.index("resumed at step 1: ")
    assert complete < text.index("seed        6") < resumed
    written = files.read_json(tmp_path / "result.json")
    assert (written["seeds"], written["global_step"]) == ([5, 6], LAST)
    ours = [files.read_json(tmp_path / f"seed_{s}/result.json") for s in (5, 6)]
    name = "eval/label_top_1_accuracy"
    assert written[name]["values"] == [result[name] for result in ours]
    # Each seed's predictions lie in its directory, ready for comparison.
    compared = run("--mode=compare", directory, f"--compare_with={tmp_path}")
    assert compared.code == 0, compared.lines
    assert "2 and 2 seeds, paired by seed" in compared.output
    labels = [(tmp_path / f"seed_{s}/labels.txt").read_text() for s in (5, 6)]
    assert labels[0] != labels[1]
