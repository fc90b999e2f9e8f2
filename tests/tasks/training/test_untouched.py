"""A network that changed is not said to be what it was."""

import keras
import pytest

from simclr_tf.tasks.training import untouched


@pytest.mark.parametrize("index", [0, 2])
def test_any_change_is_found(caplog, index):
    model = keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(3), keras.layers.Dense(1)]
    )
    proof = untouched.Untouched("teacher", model)
    proof.prove()
    variable = model.weights[index]
    variable.assign(variable + 1e-7)
    with pytest.raises(RuntimeError, match="the frozen teacher has changed"):
        proof.prove()
