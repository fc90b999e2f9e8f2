"""One small export, shared by the tests of this directory."""

import keras
import numpy as np
import pytest

from simclr_tf.exports import directory, hub
from simclr_tf.models import resnet, simclr

SIDE, BATCH, CLASSES = 8, 4, 3
CLASS_NAMES = ("ant", "bee", "cé")


def make_model(*, num_classes=CLASSES):
    keras.utils.set_random_seed(0)
    encoder = resnet.ResNet(10, width=0.125, stem="cifar", name="resnet")
    model = simclr.SimCLR(
        encoder,
        num_proj_layers=2,
        proj_out_dim=4,
        num_classes=num_classes,
        sync_bn=False,
        name="simclr",
    )
    return model.build_on(SIDE)


def export(model, path, *, class_names=None, **metadata):
    facts = {"format": "savedmodel", "image_size": SIDE} | metadata

    def fill(temporary):
        return hub.write(
            model, temporary, image_size=SIDE, class_names=class_names
        )

    return directory.replace(path, fill, metadata=facts)


@pytest.fixture(scope="session")
def images():
    generator = np.random.default_rng(0)
    return generator.uniform(size=(BATCH, SIDE, SIDE, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def model():
    made = make_model()
    rng = np.random.default_rng(1)
    for variable in made.variables:  # so that nothing is 0 or 1 by chance
        if not variable.path.endswith("kernel"):
            shift = rng.uniform(0.1, 0.5, variable.shape)
            variable.assign(variable.numpy() + shift)
    return made


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory):
    """Directory of a SavedModel with a supervised head."""
    path = str(tmp_path_factory.mktemp("export") / "7")
    return export(
        model, path, class_names=CLASS_NAMES, global_step=7, num_classes=3
    )


@pytest.fixture(scope="session")
def headless(tmp_path_factory):
    """Directory of a SavedModel without a supervised head."""
    path = str(tmp_path_factory.mktemp("headless") / "7")
    return export(make_model(num_classes=None), path, global_step=7)
