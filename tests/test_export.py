"""SavedModels: the Reusable interface, here and in a fresh process."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors, export
from simclr_tf.models import resnet, simclr
from simclr_tf.training import whole_file

SIDE, BATCH = 8, 4
TOLERANCE = 1e-5
"""float32 features near 1 through a graph that may be fused otherwise."""
FRESH_PROCESS = """
import sys
import numpy as np
import tensorflow as tf
directory, arrays = sys.argv[1:]
given = np.load(arrays)
encoder = tf.saved_model.load(directory)
assert "simclr_tf" not in sys.modules
before = [variable.numpy() for variable in encoder.trainable_variables]
features = encoder(given["images"], training=False)
np.testing.assert_allclose(features, given["features"], atol=1e-5)
with tf.GradientTape() as tape:
    outputs = encoder(given["images"], training=True)
    loss = tf.reduce_sum(outputs ** 2)
gradients = tape.gradient(loss, encoder.trainable_variables)
for gradient, variable in zip(gradients, encoder.trainable_variables):
    variable.assign_sub(0.01 * gradient)
moved = [np.any(a != b.numpy())
         for a, b in zip(before, encoder.trainable_variables)]
assert sum(moved) >= 20, sum(moved)
tuned = encoder(given["images"], training=False)
assert np.abs(tuned - given["features"]).max() > 1e-3
"""


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(0)
    return generator.uniform(size=(BATCH, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    encoder = resnet.ResNet(10, width=0.125, stem="cifar", name="resnet")
    tiny = simclr.SimCLR(
        encoder,
        proj_head_mode="nonlinear",
        num_proj_layers=2,
        proj_out_dim=4,
        num_classes=3,
        name="simclr",
    )
    tiny.build_on(SIDE)
    return tiny


@pytest.fixture(scope="module")
def features(model, images):
    return model(images, training=False).features.numpy()


@pytest.fixture(scope="module")
def directory(model, features, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("export") / "7")
    return export.save(model, path, metadata={"global_step": 7})


@pytest.fixture
def loaded(directory):
    return tf.saved_model.load(directory)


def test_features_are_the_same(loaded, images, features):
    for found in (loaded(images), loaded(images, training=False)):
        np.testing.assert_allclose(found, features, atol=TOLERANCE)


def test_any_batch_size(loaded, images, features):
    np.testing.assert_allclose(loaded(images[:1]), features[:1], atol=TOLERANCE)


@pytest.mark.parametrize("name", ["serving_default", "image_feature_vector"])
def test_the_signature(loaded, images, features, name):
    signature = loaded.signatures[name]
    assert list(signature.structured_input_signature[1]) == ["images"]
    found = signature(images=tf.constant(images))
    assert list(found) == ["default"]
    np.testing.assert_allclose(found["default"], features, atol=TOLERANCE)


def test_the_variables_are_listed(loaded, model):
    encoder = model.encoder
    assert len(loaded.variables) == len(encoder.variables)
    assert len(loaded.trainable_variables) == len(encoder.trainable_variables)
    assert list(loaded.regularization_losses) == []


def test_training_moves_the_statistics_alone(loaded, images):
    def values(variables):
        return [variable.numpy() for variable in variables]

    trained = {id(v) for v in loaded.trainable_variables}
    others = [v for v in loaded.variables if id(v) not in trained]
    before, weights = values(others), values(loaded.trainable_variables)
    loaded(images, training=False)
    for old, new in zip(before, values(others), strict=True):
        np.testing.assert_array_equal(old, new)
    loaded(images, training=True)
    changed = [
        np.any(old != new)
        for old, new in zip(before, values(others), strict=True)
    ]
    assert any(changed)
    for old, new in zip(
        weights, values(loaded.trainable_variables), strict=True
    ):
        np.testing.assert_array_equal(old, new)


def test_the_graph_holds_no_collective(loaded):
    for training in (False, True):
        graph = loaded.__call__.get_concrete_function(
            export.IMAGES, training=training
        ).graph
        names = {node.op for node in graph.as_graph_def().node}
        assert not {name for name in names if name.startswith("Collective")}


def test_a_fresh_process_uses_and_tunes_it(
    directory, images, features, tmp_path
):
    arrays = str(tmp_path / "given.npz")
    np.savez(arrays, images=images, features=features)
    done = subprocess.run(
        [sys.executable, "-c", FRESH_PROCESS, directory, arrays],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_metadata_lies_beside_it(directory):
    facts = whole_file.read_json(f"{directory}/{export.METADATA_FILE}")
    assert facts == {"global_step": 7}


def test_an_earlier_export_is_replaced(monkeypatch, tmp_path):
    def write(root, path, signatures):
        tf.io.gfile.makedirs(path)

    monkeypatch.setattr(export, "HubEncoder", FakeEncoder)
    monkeypatch.setattr(tf.saved_model, "save", write)
    path = str(tmp_path / "1")
    for step in (1, 2):
        export.save(None, path, metadata={"global_step": step})
    facts = whole_file.read_json(f"{path}/{export.METADATA_FILE}")
    assert facts == {"global_step": 2}
    assert [entry.name for entry in tmp_path.iterdir()] == ["1"]


class FakeEncoder:
    """Stands for the traced model where only files matter."""

    def __init__(self, model):
        self.serve = self

    def get_concrete_function(self, signature):
        return signature


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_what_is_not_ours_is_left_alone(model, tmp_path, kind):
    path = tmp_path / "precious"
    if kind == "directory":
        path.mkdir()
        (path / "thesis.txt").write_text("years of work")
    else:
        path.write_text("years of work")
    with pytest.raises(errors.UserError, match="export_dir must be new or"):
        export.save(model, str(path), metadata={})
    assert path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["precious"]


def make_exports(parent, steps, *, ours=True):
    for step in steps:
        folder = pathlib.Path(parent, str(step))
        folder.mkdir()
        (folder / (export.METADATA_FILE if ours else "x")).write_text("{}")


@pytest.mark.parametrize(
    ("keep", "left"),
    [(0, [5, 10, 9]), (1, [10]), (2, [10, 9]), (7, [5, 10, 9])],
)
def test_the_newest_exports_stay(tmp_path, keep, left):
    make_exports(tmp_path, [5, 9, 10])
    export.sweep(str(tmp_path), keep=keep)
    found = {entry.name for entry in tmp_path.iterdir()}
    assert found == {str(step) for step in left}


def test_the_sweep_knows_what_is_ours(tmp_path):
    make_exports(tmp_path, [2])
    (tmp_path / "notes").mkdir()
    make_exports(tmp_path, [1], ours=False)
    with pytest.raises(errors.UserError, match="export_dir must be new or"):
        export.sweep(str(tmp_path), keep=1)
    found = {entry.name for entry in tmp_path.iterdir()}
    assert found == {"1", "2", "notes"}
