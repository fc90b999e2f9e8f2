"""Flags and lists as editors, chats and systems write them."""

import codecs
import json
import subprocess
import sys

import numpy as np
import pytest

from simclr_tf import cli, errors, typed_text
from simclr_tf.evaluation import predictions

LINES = ("# mine", "", "--temperature=0.7", "--train_epochs=3")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_flag_file_of_any_editor(tmp_path, mark, encoding, end):
    path = tmp_path / "my.flags"
    path.write_bytes(mark + end.join(LINES).encode(encoding))
    config = cli.parse([f"--flagfile={path}", "--model_dir=d"])
    assert (config.temperature, config.train_epochs) == (0.7, 3)


@pytest.mark.parametrize(
    "line",
    [
        "\u2014model_dir=runs/d",
        "\u2013\u2013model_dir=runs/d",
        "\u2212-model_dir=runs/d",
        "-\u2010model_dir=runs/d",
        "--model_dir=\u201cruns/d\u201d",
        "--model_dir=\u2018runs/d\u2019",
        "--model_dir=\u00abruns/d\u00bb",
        "--model_dir=\u201eruns/d\u201c",
        '--model_dir="runs/d"',
        "--model_dir='runs/d'",
        "\u00a0--model_dir=runs/d\u00a0",
        "\u200b--model_dir=runs/d\ufeff",
        "  --model_dir=runs/d \\",
    ],
)
def test_handsome_characters_in_a_flag_file_are_accepted(tmp_path, line):
    path = tmp_path / "my.flags"
    path.write_text(f"// mine\n{line}\n\u00a0\n", encoding="utf-8")
    assert cli.parse([f"--flagfile={path}"]).model_dir == "runs/d"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("\u2014seed=1", "--seed=1"),
        ("\u2013nouse_blur", "--nouse_blur"),
        ("--eval_split=\u201ctest\u201d", "--eval_split=test"),
        ("--seed=1\r", "--seed=1"),
        ("--seed=1\u00a0", "--seed=1"),
        # What a shell has left was meant.
        ("--model_dir='d'", "--model_dir='d'"),
        ("--model_dir=a\u2013b c\u00a0d", "--model_dir=a\u2013b c\u00a0d"),
        ("-1", "-1"),
        ("\u20145", "--5"),
        ("d\u2014e", "d\u2014e"),
        ("--model_dir=\u201c", "--model_dir=\u201c"),
        ("--model_dir=", "--model_dir="),
    ],
)
def test_a_flag_of_the_command_line(given, meant):
    assert typed_text.flag(given) == meant


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"--seed=1\ntemperature=2\n", "line 2 of {path!r} is 'temperature=2'"),
        (b"--seed=\xff\n", "must be a readable file of text; {path!r}"),
        (b"--flagfile={path}\n", "must not lead back to itself; {path!r}"),
        (b"--flagfile=/no/such/file\n", "file of text; '/no/such/file'"),
        ("--seed=\u22121\n".encode(), "seed must be a whole number; got"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path, content, words):
    path = str(tmp_path / "my.flags")
    with open(path, "wb") as file:
        file.write(content.replace(b"{path}", path.encode()))
    with pytest.raises(errors.UserError) as caught:
        cli.parse([f"--flagfile={path}", "--model_dir=d"])
    assert words.format(path=path) in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a\u2013b", "a-b"),
        ("\u201ca b\u201d", "a b"),
        ("it\u2019s", "it's"),
        ("a\u00a0\u202f b\u200b", "a b"),
        ("o\u0308l", "\u00f6l"),
    ],
)
def test_what_looks_alike_is_alike(one, other):
    assert typed_text.plain(one) == typed_text.plain(other)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"]])
@pytest.mark.parametrize("place", ["&-", "/dev/full"])
def test_streams_that_take_nothing(place, arguments):
    """Whatever is not shown, there is no traceback."""
    command = f'"{sys.executable}" run.py {" ".join(arguments)}'
    for stream in ("1", "2"):
        done = subprocess.run(
            ["bash", "-c", f"{command} {stream}>{place}"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (not arguments)
        assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("place", ["&-", "/dev/full"])
def test_a_closed_stderr_takes_nothing_from_a_result(place, tmp_path):
    """Nor does a file get what TensorFlow says as it loads."""
    logits = np.random.default_rng(0).normal(size=(9, 3))
    for name in ("a", "b"):
        found = predictions.from_logits(logits, np.arange(9) % 3)
        predictions.save(f"{tmp_path}/{name}.npz", found)
    command = (
        f'"{sys.executable}" run.py --mode=compare '
        f"--model_dir={tmp_path}/a.npz --compare_with={tmp_path}/b.npz "
        f"2>{place}"
    )
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "cannot be told apart" in done.stdout
    content = json.loads((tmp_path / "report/compare_b.json").read_text())
    assert content["num_examples"] == 9
