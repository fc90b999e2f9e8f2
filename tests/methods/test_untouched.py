"""A network that changed is not said to be what it was."""

import keras
import pytest

from simclr_tf.methods import untouched


def make():
    return keras.Sequential(
        [keras.Input([2]), keras.layers.Dense(3), keras.layers.Dense(1)]
    )


def test_the_proof_spans_sessions(tmp_path):
    path = str(tmp_path / "frozen.json")
    first, second = make(), make()
    untouched.Untouched("teacher", first).keep(path, is_start=True)
    untouched.Untouched("encoder", second).keep(path, is_start=True)
    untouched.Untouched("teacher", first).keep(path, is_start=False)
    with pytest.raises(RuntimeError, match="the frozen encoder has changed"):
        untouched.Untouched("encoder", first).keep(path, is_start=False)
    untouched.Untouched("encoder", first).keep(path, is_start=True)
    untouched.Untouched("encoder", first).keep(path, is_start=False)


@pytest.mark.parametrize("index", [0, 2])
def test_any_change_is_found(caplog, index):
    model = make()
    proof = untouched.Untouched("teacher", model)
    proof.prove()
    variable = model.weights[index]
    variable.assign(variable + 1e-7)
    with pytest.raises(RuntimeError, match="the frozen teacher has changed"):
        proof.prove()
