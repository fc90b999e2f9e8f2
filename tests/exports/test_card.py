"""The model card: what it tells, and that its programs run."""

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.config import Config
from simclr_tf.exports import card


def programs(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
def test_its_programs_run(exported, images):
    with open(f"{exported}/README.md") as file:
        found = programs(file.read())
    assert len(found) == 3
    names = {
        "path": exported,
        "images": images,
        "pictures": tf.constant(np.zeros((2, 9, 7, 3), "uint8")),
        "tf": tf,
    }
    for program in found:
        if "GradientTape" in program:
            names["encoder"] = tf.saved_model.load(exported)
        exec(program, names)
    assert len(names["gradients"]) == len(names["encoder"].trainable_variables)
    assert isinstance(names["model"], keras.Sequential)


def test_its_outputs_have_their_shapes(exported):
    with open(f"{exported}/simclr_metadata.json") as file:
        facts = json.load(file)
    with open(f"{exported}/README.md") as file:
        text = file.read()
    assert "logits_sup" in facts["outputs"]
    for name, shape in facts["outputs"].items():
        assert f"| {name} | {shape} |" in text


def metadata(**facts):
    config = Config(model_dir="d", dataset="cifar10", sk_ratio=0.0625)
    base = {"format": "onnx", "identity": config.identity(), "global_step": 9}
    return base | facts


def test_what_a_run_tells():
    text = card.render(metadata(num_classes=10))
    assert text.startswith("# SimCLR ResNet-50 SK\n")
    for row in (
        "| trained on | cifar10 |",
        "| steps | 9 |",
        "| temperature | 0.1 |",
        "| classes of the supervised head | 10 |",
    ):
        assert row in text


def test_an_import_does_not_claim_our_settings():
    text = card.render(metadata(imported={"path": "r50", "kind": "k"}))
    assert "| weights from | r50 |" in text
    assert "cifar10" not in text
    assert "temperature" not in text


@pytest.mark.parametrize("kind", ["savedmodel", "keras", "onnx"])
def test_every_format_has_a_card_without_blanks(kind):
    text = card.render({"format": kind})
    assert "{" not in re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert programs(text)
