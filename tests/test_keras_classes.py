"""Files of Keras that hold our classes load after `import simclr_tf` alone."""

import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from simclr_tf import keras_classes
from simclr_tf.exports import hub, layer
from simclr_tf.models import resnet
from simclr_tf.optim import lamb, lars, schedules

ROOT = pathlib.Path(__file__).parent.parent
SIDE = 8
# The same graph on the same numbers; only the threads' order may differ.
SAME = 1e-6
FRESH_PROCESS = f"""
import importlib.util, sys
import numpy as np
IMPORTS
path, arrays = sys.argv[1:]
given = np.load(arrays)
model = keras.models.load_model(path)
found = model.predict(given["images"], verbose=0)
np.testing.assert_allclose(found, given["logits"], rtol={SAME}, atol={SAME})
names = [type(layer).__name__ for layer in model.layers]
assert names == ["SavedModelLayer", "Dense"], names
assert type(model.optimizer).__module__ == "simclr_tf.optim.lars"
assert model.optimizer.global_clipnorm == 3.0
assert model.optimizer.iterations == 1
model.fit(given["images"], given["labels"], verbose=0)
assert "_AfterKeras" not in str(sys.meta_path)
"""
OURS_FIRST = """
import simclr_tf
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
assert importlib.util.find_spec("keras")  # looked for, as some libraries do
import keras
assert "simclr_tf.optim.lars" not in sys.modules  # imported when asked for
"""
KERAS_FIRST = """
import keras
import simclr_tf
"""
THROUGH_TENSORFLOW = """
import simclr_tf
import tensorflow as tf
keras = tf.keras
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A `.keras` file, and an input with its output."""
    directory = tmp_path_factory.mktemp("saved")
    encoder = resnet.ResNet(10, width=0.125, stem="cifar", sync_bn=False)
    images = np.random.default_rng(0).random((4, SIDE, SIDE, 3), "float32")
    encoder(images)
    network = layer.SavedModelLayer("gone", network=hub.configuration(encoder))
    model = keras.Sequential([network, keras.layers.Dense(3)])
    model.compile(
        lars.LARS(
            schedules.WarmupCosine(0.1, warmup_steps=1, total_steps=9),
            global_clipnorm=3.0,
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    labels = np.arange(4) % 3
    model.fit(images, labels, verbose=0)
    model.save(directory / "model.keras")
    logits = model.predict(images, verbose=0)
    np.savez(
        directory / "arrays.npz", images=images, labels=labels, logits=logits
    )
    return directory


@pytest.mark.parametrize(
    "imports",
    [
        OURS_FIRST,
        pytest.param(KERAS_FIRST, marks=pytest.mark.slow),
        pytest.param(THROUGH_TENSORFLOW, marks=pytest.mark.slow),
    ],
    ids=["ours first", "keras first", "through tensorflow"],
)
def test_a_fresh_process_loads_them(saved, imports):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            FRESH_PROCESS.replace("IMPORTS", imports),
            str(saved / "model.keras"),
            str(saved / "arrays.npz"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_registered_class_is_in_the_table():
    """Wherever in the package one registers itself."""
    found = {}
    for path in (ROOT / "simclr_tf").rglob("*.py"):
        pattern = r"register_keras_serializable\(.*\)\nclass (\w+)"
        for name in re.findall(pattern, path.read_text()):
            parts = path.relative_to(ROOT / "simclr_tf").with_suffix("").parts
            found.setdefault(name, set()).add(".".join(parts))
    # The network without `fit`, which the public class takes the name of.
    found["SimCLR"].remove("models.simclr")
    found = {name: modules.pop() for name, modules in found.items()}
    assert found == keras_classes.MODULES


def test_a_class_that_is_there_is_not_replaced():
    registered = keras.saving.get_registered_object
    assert registered("simclr_tf>LAMB") is lamb.LAMB
    keras_classes.register()
    assert registered("simclr_tf>LAMB") is lamb.LAMB


def test_a_name_stands_for_its_class():
    later = keras_classes.Later("LAMB")
    assert later.from_config({"learning_rate": 0.1}).beta_1 == 0.9
    with pytest.raises(AttributeError):
        _ = later.nothing
