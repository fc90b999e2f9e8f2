"""Keras runs on TensorFlow, whatever the environment and `keras.json` say."""

import json
import os
import runpy
import subprocess
import sys
import types

import pytest

import simclr_tf
from simclr_tf import backend, cores, cpu, keras_classes

CHILD = """
import numpy as np
import simclr_tf
encoder = simclr_tf.ResNet(10, width=0.125, se_ratio=0.25, stem="cifar")
model = simclr_tf.SimCLR(encoder).build_on(8)
print(model(np.zeros([2, 8, 8, 3], "float32")).features.shape)
import keras
print(keras.config.backend(), keras.config.image_data_format())
"""


def keras_as(monkeypatch, chosen):
    """Keras as if imported with a backend; None for not imported."""
    modules = {k: v for k, v in sys.modules.items() if k != "keras"}
    if chosen:
        config = types.SimpleNamespace(backend=lambda: chosen)
        modules["keras"] = types.SimpleNamespace(config=config)
    monkeypatch.setattr(backend.sys, "modules", modules)


@pytest.mark.parametrize("asked", [None, "tensorflow"])
def test_it_is_chosen_without_a_word(monkeypatch, capsys, asked):
    keras_as(monkeypatch, None)
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    if asked:
        monkeypatch.setenv(backend.VARIABLE, asked)
    backend.use_tensorflow()
    assert os.environ[backend.VARIABLE] == "tensorflow"
    assert capsys.readouterr().err == ""


def test_another_that_was_asked_for_is_named(monkeypatch, capsys):
    keras_as(monkeypatch, None)
    monkeypatch.setenv(backend.VARIABLE, "jax")
    backend.use_tensorflow()
    assert os.environ[backend.VARIABLE] == "tensorflow"
    (line,) = capsys.readouterr().err.splitlines()
    assert "KERAS_BACKEND=jax gives way to tensorflow" in line


def test_one_that_is_imported_cannot_be_changed(monkeypatch):
    keras_as(monkeypatch, "torch")
    with pytest.raises(ImportError, match="imported with 'torch'"):
        backend.use_tensorflow()
    keras_as(monkeypatch, "tensorflow")
    backend.use_tensorflow()


def test_an_import_of_the_package_sets_what_is_read_at_the_start(monkeypatch):
    """Before anything of TensorFlow's: the package's own file, run again."""
    called = []
    for module, name in (
        (backend, "use_tensorflow"),
        (cores, "limit_threads"),
        (cpu, "turn_on_onednn"),
        (keras_classes, "register"),
    ):
        monkeypatch.setattr(module, name, lambda name=name: called.append(name))
    runpy.run_path(simclr_tf.__file__, run_name="simclr_tf")
    assert called == [
        "use_tensorflow", "limit_threads", "turn_on_onednn", "register"
    ]  # fmt: skip


@pytest.mark.slow
def test_other_settings_of_the_user_do_no_harm(tmp_path):
    """Another backend and other axes in `keras.json`, in a new process."""
    settings = {"backend": "numpy", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    environment = os.environ | {"KERAS_HOME": str(tmp_path)}
    environment.pop(backend.VARIABLE, None)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        "(2, 64)",
        "tensorflow channels_first",
    ]
