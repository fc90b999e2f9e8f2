"""Everything here runs eagerly, on a network of one block."""

import functools

import pytest
import tensorflow as tf
import training_parts

from simclr_tf.methods import teacher
from simclr_tf.models import blocks, resnet

ONE_BLOCK = {10: (blocks.BasicBlock, (1,)), 50: (blocks.BottleneckBlock, (1,))}


def once_each(make_model):
    """`teacher.make_model` that makes equal teachers once."""
    made = {}

    def make(known, config):
        key = known.path, config.precision, config.fused_bn
        if key not in made:
            made[key] = make_model(known, config)
        return made[key]

    return make


@pytest.fixture(autouse=True, scope="module")
def small_and_eager():
    with pytest.MonkeyPatch.context() as patch:
        for depth, shape in ONE_BLOCK.items():
            patch.setitem(resnet.DEPTHS, depth, shape)
        patch.setattr(teacher, "make_model", once_each(teacher.make_model))
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def baseline():
    """`baseline(**values)` is a `Parts`, made once for the same values."""
    return functools.cache(training_parts.Parts)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, small_and_eager):
    """The directory of a run that stopped at step 7."""
    parts = training_parts.Parts(model_dir="d", seed=5)
    return training_parts.save(parts, tmp_path_factory.mktemp("trained"))
