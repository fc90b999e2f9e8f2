"""Paths as people give and paste them."""

import dataclasses

import pytest

from simclr_tf import cli
from simclr_tf.config import Config, paths

PATHS = ("data_dir", "feature_cache", "model_dir", "export_dir", "label_file",
         "compare_with", "checkpoint", "teacher")  # fmt: skip
DATASETS = ("dataset", "unlabelled_dataset")


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("NO_SUCH", raising=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("~", "/home/ada"),
        ("~/runs", "/home/ada/runs"),
        ("$HOME/runs", "/home/ada/runs"),
        ("${HOME}/runs", "/home/ada/runs"),
        ("$NO_SUCH/runs", "$NO_SUCH/runs"),
        ("runs/~", "runs/~"),
        ("gs://bucket/~x", "gs://bucket/~x"),
        ("gs://bucket/$HOME", "gs://bucket/$HOME"),
    ],
)
def test_homes_and_variables(given, expected):
    assert paths.expand(given) == expected
    assert paths.expand_dataset(f"folder:{given}") == f"folder:{expected}"
    assert paths.expand_checkpoint(given) == expected


def test_names_of_data_sets_stay():
    assert paths.expand_dataset("imagenet2012_subset/1pct") == (
        "imagenet2012_subset/1pct"
    )


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("r/ckpt-7", "r/ckpt-7"),
        ("r/ckpt-7.index", "r/ckpt-7"),
        ("r/ckpt-7.meta.json", "r/ckpt-7"),
        ("r/ckpt-7.data-00000-of-00001", "r/ckpt-7"),
        ("r/model.ckpt-250228.meta", "r/model.ckpt-250228"),
        ("r/saved_model/12/saved_model.pb", "r/saved_model/12"),
        ("r/saved_model", "r/saved_model"),
    ],
)
def test_any_file_of_a_checkpoint_is_the_checkpoint(pasted, meant):
    assert paths.expand_checkpoint(pasted) == meant


def test_a_directory_called_like_such_a_file_is_itself(tmp_path):
    (tmp_path / "x.index").mkdir()
    given = str(tmp_path / "x.index")
    assert paths.expand_checkpoint(given) == given


def test_every_path_among_the_fields_is_expanded():
    """What is not listed here is no path."""
    marked = {
        f.name for f in dataclasses.fields(Config) if f.metadata["expand"]
    }
    assert marked == {*PATHS, *DATASETS}


@pytest.mark.parametrize("name", ["model_dir", "data_dir", "checkpoint"])
def test_the_command_line_expands_them(name):
    config = cli.parse(["--model_dir=r", f"--{name}=~/x", "--dataset=folder:~"])
    assert getattr(config, name) == "/home/ada/x"
    assert config.dataset == "folder:/home/ada"


def test_flag_files_are_found_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my.flags").write_text("--temperature=0.3\n")
    config = cli.parse(["--flagfile=~/my.flags", "--model_dir=r"])
    assert config.temperature == 0.3
