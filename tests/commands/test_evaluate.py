"""Which checkpoints are scored, and what is refused."""

import json
import os

import pytest

from simclr_tf import errors
from simclr_tf.commands import evaluate
from simclr_tf.config import Config
from simclr_tf.scoring import eval_checks
from simclr_tf.setup import given_images


def commit(directory, step):
    index = directory / f"ckpt-{step}.index"
    index.touch()
    meta = {"step": step, "sizes": {index.name: 0}}
    (directory / f"ckpt-{step}.meta.json").write_text(json.dumps(meta))


def paths_of(config, last_step, follow):
    """Names of the checkpoints that would be scored."""
    found = evaluate.checkpoints_to_score(config, last_step, follow)
    return [os.path.basename(path) for path in found]


def test_the_newest_alone(tmp_path):
    for step in (9, 10):
        commit(tmp_path, step)
    config = Config(mode="eval", model_dir=str(tmp_path))
    assert paths_of(config, 99, False) == ["ckpt-10"]


def test_a_damaged_newest_gives_way_to_the_older(tmp_path):
    """As in training."""
    for step in (8, 9, 10):
        commit(tmp_path, step)
    (tmp_path / "ckpt-10.meta.json").write_text("{}")
    (tmp_path / "ckpt-9.index").write_text("longer")
    config = Config(mode="eval", model_dir=str(tmp_path))
    assert paths_of(config, 99, False) == ["ckpt-8"]


def test_none_is_an_error(tmp_path):
    config = Config(mode="eval", model_dir=str(tmp_path))
    with pytest.raises(errors.UserError, match="must hold a checkpoint"):
        paths_of(config, 99, False)


def test_following_does_not_wait_for_what_cannot_come(tmp_path):
    """The last checkpoint is there, and damaged: the run is complete."""
    commit(tmp_path, 9)
    (tmp_path / "ckpt-9.meta.json").write_text("{}")
    config = Config(mode="eval", model_dir=str(tmp_path))
    with pytest.raises(errors.UserError, match="can be read; none"):
        paths_of(config, 9, True)


def test_following_waits_until_the_last(tmp_path, monkeypatch):
    # Training saves 3, then 6 and 9 between two looks, then the last, 12.
    coming = [[], [3], [], [6, 9], [12]]
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        for step in coming.pop(0):
            commit(tmp_path, step)

    monkeypatch.setattr(evaluate.time, "sleep", sleep)
    config = Config(mode="eval", model_dir=str(tmp_path))
    assert paths_of(config, 12, True) == ["ckpt-3", "ckpt-9", "ckpt-12"]
    assert waits == [evaluate.POLL_SECS] * 5


def test_one_that_is_named(tmp_path):
    for step in (3, 6):
        commit(tmp_path, step)
    config = Config(
        mode="eval",
        model_dir=str(tmp_path),
        checkpoint=str(tmp_path / "ckpt-3"),
    )
    assert paths_of(config, 12, True) == ["ckpt-3"]


def test_the_online_protocol_needs_a_probe():
    config = Config(mode="eval", model_dir="d")
    eval_checks.check(config, None, has_head=True)
    with pytest.raises(errors.UserError, match="eval_protocol=online needs"):
        eval_checks.check(config, None, has_head=False)
    config = config.replace(dataset="digits", eval_split="test")
    frozen = config.replace(eval_protocol="frozen")
    source = given_images.open_labelled(frozen, "eval_split")
    eval_checks.check(frozen, source, has_head=False)
