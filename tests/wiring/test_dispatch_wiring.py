"""What `mode`, `train_mode`, `num_seeds` and `tf32` do, before any mode does.

`preset` is a matter of the command line: see `tests/test_cli_flags.py`.
"""

import command_line
import pytest
import tensorflow as tf

from simclr_tf.commands import modes, repeat
from simclr_tf.config import Config

GIVEN = {"dataset": "digits", "model_dir": "d"}
NEEDED = {
    "import": {"checkpoint": "c"},
    "label_curve": {"checkpoint": "c"},
    "compare": {"compare_with": "c"},
}
MODES = Config.group_fields()[0][1][0].metadata["choices"]
REPEATED = ("train", "train_then_eval", "eval", "label_curve")


@pytest.fixture
def called(monkeypatch):
    """Notes what is called instead of doing it."""
    found = []

    def note(name):
        return lambda config, *_, **__: found.append((name, config))

    for table in (modes._RUN, modes._TRAIN):
        for name in table:
            if name not in ("train", "train_then_eval"):
                monkeypatch.setitem(table, name, note(name))
    monkeypatch.setattr(modes.evaluate, "run", note("eval"))
    monkeypatch.setattr(repeat, "run", note("repeat"))
    yield found
    tf.config.experimental.enable_tensor_float_32_execution(True)


def names_of(called):
    return [name for name, _ in called]


@pytest.mark.parametrize("mode", MODES)
def test_mode(mode, called):
    modes.run(Config(mode=mode, **GIVEN, **NEEDED.get(mode, {})))
    expected = {
        "train": ["pretrain"],
        "train_then_eval": ["pretrain", "eval"],
    }
    assert names_of(called) == expected.get(mode, [mode])


@pytest.mark.parametrize("mode", ["train", "train_then_eval"])
@pytest.mark.parametrize("train_mode", modes._TRAIN)
def test_train_mode(mode, train_mode, called):
    given = {"teacher": "t"} if train_mode == "distill" else {}
    modes.run(Config(mode=mode, train_mode=train_mode, **GIVEN, **given))
    assert names_of(called)[0] == train_mode


@pytest.mark.parametrize("mode", REPEATED)
def test_num_seeds(mode, called):
    needed = NEEDED.get(mode, {})
    modes.run(Config(mode=mode, **GIVEN, num_seeds=2, **needed))
    (name, config), *_ = called
    assert name == ("label_curve" if mode == "label_curve" else "repeat")
    assert config.num_seeds == 2


@pytest.mark.parametrize("mode", MODES)
def test_tf32(mode, called):
    for tf32 in (False, True):
        config = Config(mode=mode, **GIVEN, **NEEDED.get(mode, {}))
        # As a preset sets it: given by hand it needs a GPU.
        object.__setattr__(config, "tf32", tf32)
        modes.run(config)
        is_on = tf.config.experimental.tensor_float_32_execution_enabled()
        assert is_on == tf32


def test_flags_without_effect_are_named_in_one_line(called, tmp_path):
    path = tmp_path / "my.flags"
    path.write_text("--lars_eta=0.5\n")
    outcome = command_line.run(
        "--mode=eval", "--model_dir=d", f"--flagfile={path}", "--seed=3",
        "--eval_batch_size=8", "--momentum=0.5", "--nouse_blur",
    )  # fmt: skip
    assert outcome.code == 0
    assert outcome.unused == [
        "no effect with --mode=eval --eval_protocol=online: --momentum, "
        "--seed, --use_blur"
    ]


def test_nothing_is_said_where_every_flag_has_an_effect(called):
    outcome = command_line.run("--model_dir=d", "--seed=3", "--eval_split=test")
    assert outcome.unused == []
    assert all(line.startswith("next: ") for line in outcome.lines)
