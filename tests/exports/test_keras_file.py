"""`.keras` files: here, in a fresh process, and on remote stores."""

import json
import pathlib
import subprocess
import sys
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.exports import keras_file
from simclr_tf.models import resnet, simclr

ROOT = pathlib.Path(__file__).parent.parent.parent
SIDE, BATCH = 8, 4
# The same graph on the same numbers; only the threads' order may differ.
SAME = 1e-6
FRESH_PROCESS = f"""
import sys
import keras
import numpy as np
import simclr_tf
path, arrays = sys.argv[1:]
given = dict(np.load(arrays))
model = keras.models.load_model(path)
outputs = model(given.pop("images"))
for name, found in outputs._asdict().items():
    np.testing.assert_allclose(found, given.pop(name), rtol={SAME}, atol={SAME})
assert len(given) == len(model.variables)
for index, variable in enumerate(model.variables):
    np.testing.assert_array_equal(variable.numpy(), given[str(index)])
"""


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(0)
    return generator.uniform(size=(BATCH, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    encoder = resnet.ResNet(10, width=0.125, stem="cifar", sync_bn=False)
    tiny = simclr.SimCLR(
        encoder,
        num_proj_layers=2,
        proj_out_dim=4,
        num_classes=3,
        sync_bn=False,
    )
    tiny.build_on(SIDE)
    generator = np.random.default_rng(1)
    for variable in tiny.variables:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return tiny


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("export"))
    return keras_file.write(model, directory, image_size=SIDE)


@pytest.fixture(scope="module")
def arrays(model, images, tmp_path_factory):
    """Inputs, outputs and every variable, for a fresh process."""
    outputs = model(images)._asdict()
    variables = {str(i): v.numpy() for i, v in enumerate(model.variables)}
    path = str(tmp_path_factory.mktemp("arrays") / "given.npz")
    np.savez(path, images=images, **outputs, **variables)
    return path


@pytest.mark.slow
def test_a_fresh_process_opens_it(path, arrays):
    """No class is named but in the file."""
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, path, arrays],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning: " not in done.stderr


def contents(path, tmp_path):
    """The configuration in a file and the names of its arrays."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        weights = archive.extract("model.weights.h5", tmp_path)
    names = []
    with h5py.File(weights) as file:
        file.visititems(lambda *item: names.append(item))
    return config, [
        name for name, item in names if isinstance(item, h5py.Dataset)
    ]


def test_the_file(path, model, tmp_path):
    assert pathlib.Path(path).name == "model.keras"
    config, names = contents(path, tmp_path)
    assert config["registered_name"] == "simclr_tf>SimCLR"
    assert config["build_config"]["input_shape"] == [1, SIDE, SIDE, 3]
    assert config["config"]["encoder"]["config"]["depth"] == 10
    assert len(names) == len(model.variables)


def test_nothing_of_training_is_kept(model, tmp_path):
    trained = simclr.SimCLR.from_config(model.get_config()).build_on(SIDE)
    trained.compile(optimizer="adam", loss="mse")
    trained.optimizer.build(trained.trainable_variables)
    trained.encoder.compile(optimizer="adam", loss="mse")
    path = keras_file.write(trained, str(tmp_path), image_size=SIDE)
    config, names = contents(path, tmp_path)
    assert not config.get("compile_config")
    assert "adam" not in json.dumps(config).lower()
    assert len(names) == len(trained.variables)
    assert trained.compiled


def test_the_model_is_left_as_it_was(model, path, images):
    features = model(images).features
    again = keras.models.load_model(path)
    for variable in again.variables:
        variable.assign(tf.zeros_like(variable))
    np.testing.assert_array_equal(model(images).features, features)


def test_remote_directories(model, path):
    directory = "ram://export/keras"
    tf.io.gfile.makedirs(directory)
    written = keras_file.write(model, directory, image_size=SIDE)
    assert written == f"{directory}/{keras_file.FILE}"
    assert tf.io.gfile.stat(written).length == pathlib.Path(path).stat().st_size


def test_another_encoder(images, tmp_path):
    inputs = keras.Input([SIDE, SIDE, 3])
    maps = keras.layers.Conv2D(4, 3)(inputs)
    encoder = keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(maps))
    whole = simclr.SimCLR(encoder, proj_head_mode="none").build_on(SIDE)
    path = keras_file.write(whole, str(tmp_path), image_size=SIDE)
    again = keras.models.load_model(path)
    np.testing.assert_allclose(
        again(images).features, whole(images).features, rtol=SAME, atol=SAME
    )
