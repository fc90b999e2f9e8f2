"""The record of a label curve, also as earlier versions wrote it."""

import json

import pytest

from simclr_tf import errors
from simclr_tf.commands.curve import record
from simclr_tf.config import Config
from simclr_tf.evaluation import fingerprint
from simclr_tf.setup import model_dir

ENCODER = fingerprint.Fingerprint("weights", "statistics")


def curve(directory, **values):
    named = {"mode": "label_curve", "checkpoint": "c", "label_fractions": [0.1]}
    return Config(
        **named | {"dataset": "folder:~/photos", "model_dir": str(directory)},
        **values,
    )


def test_a_path_that_was_recorded_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    record.claim(curve(tmp_path), ENCODER)
    path = tmp_path / model_dir.CURVE_FILE
    known = json.loads(path.read_text())
    assert known["dataset"] == "folder:/home/ada/photos"
    path.write_text(json.dumps(known | {"dataset": "folder:~/photos"}))
    record.claim(curve(tmp_path), ENCODER)
    with pytest.raises(errors.UserError, match="no other curve"):
        record.claim(curve(tmp_path, learning_rate=0.7), ENCODER)
