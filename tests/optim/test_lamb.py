import pathlib

import keras
import numpy as np
import optimizer_suite
import pytest

from simclr_tf.optim import lamb, layerwise

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens" / "lamb.npz")
NUM_STEPS = 3
RATE = WEIGHT_DECAY = 0.01  # of the recording
GOLDEN_RTOL = 2e-6  # of the largest value: float32 powers in another order


def recorded(what):
    return [GOLDENS[f"addons/lamb/{what}{i}"] for i in range(2)]


def test_update_equals_addons():
    zeros = [np.zeros_like(w) for w in recorded("init")]
    states = list(zip(recorded("init"), zeros, zeros, strict=True))
    for step in range(NUM_STEPS):
        gradients = recorded(f"step{step}/grad")
        states = [
            lamb.lamb_update(
                *state,
                gradient,
                step=step + 1,
                learning_rate=RATE,
                weight_decay=WEIGHT_DECAY,
            )
            for state, gradient in zip(states, gradients, strict=True)
        ]
        for state, value in zip(
            states, recorded(f"step{step}/value"), strict=True
        ):
            optimizer_suite.assert_close(state[0], value, rtol=GOLDEN_RTOL)


def test_optimizer_equals_addons_vectors_included():
    variables = [keras.Variable(w) for w in recorded("init")]
    optimizer = lamb.LAMB(RATE, weight_decay=WEIGHT_DECAY)
    optimizer.build(variables)
    for step in range(NUM_STEPS):
        optimizer.apply(recorded(f"step{step}/grad"), variables)
        for variable, value in zip(
            variables, recorded(f"step{step}/value"), strict=True
        ):
            optimizer_suite.assert_close(
                variable.numpy(), value, rtol=GOLDEN_RTOL
            )


def test_an_excluded_variable_takes_the_step_of_adam():
    rng = np.random.default_rng(0)
    initial = rng.standard_normal(6).astype("float32")
    ours, adams = keras.Variable(initial), keras.Variable(initial)
    optimizer = lamb.LAMB(0.1, weight_decay=1.0, exclude_vectors=True)
    adam = keras.optimizers.Adam(0.1, epsilon=1e-6)
    for _ in range(4):
        gradient = rng.standard_normal(6).astype("float32")
        optimizer.apply([gradient], [ours])
        adam.apply([gradient], [adams])
    # Keras places epsilon before the bias correction, hence not equal
    optimizer_suite.assert_close(ours.numpy(), adams.numpy(), rtol=1e-4)


def distance_after_golden_steps(optimizer, reference):
    """Largest difference of the matrices, `reference` None for Addons'."""
    ours, theirs = (keras.Variable(recorded("init")[0]) for _ in range(2))
    for step in range(NUM_STEPS):
        gradient = recorded(f"step{step}/grad")[0]
        optimizer.apply([gradient], [ours])
        if reference is not None:
            reference.apply([gradient], [theirs])
    last = recorded(f"step{NUM_STEPS - 1}/value")[0]
    expected = last if reference is None else theirs.numpy()
    return np.abs(ours.numpy() - expected).max()


def test_keras_agrees_without_decay_alone():
    plain = distance_after_golden_steps(
        lamb.LAMB(RATE), keras.optimizers.Lamb(RATE, epsilon=1e-6)
    )
    assert plain < GOLDEN_RTOL
    decayed = distance_after_golden_steps(
        keras.optimizers.Lamb(RATE, epsilon=1e-6, weight_decay=WEIGHT_DECAY),
        None,
    )
    assert decayed > 10 * GOLDEN_RTOL


@pytest.mark.parametrize("eta", [1.0, 0.001])
def test_trust_ratio(eta):
    weight, update = np.float32([3.0, 4.0]), np.float32([0.0, 2.0])
    zero = np.zeros(2, "float32")
    ratio = layerwise.trust_ratio(weight, update, eta=eta).numpy()
    assert ratio == pytest.approx(eta * 2.5, rel=1e-6)
    assert layerwise.trust_ratio(zero, update, eta=eta).numpy() == 1.0
    assert layerwise.trust_ratio(weight, zero, eta=eta).numpy() == 1.0


class TestLamb(optimizer_suite.OptimizerSuite):
    make = staticmethod(lamb.LAMB)
    settings = {  # noqa: RUF012
        "beta_1": 0.8,
        "beta_2": 0.99,
        "epsilon": 1e-5,
        "weight_decay": 0.01,
        "exclude_vectors": True,
        "name": "mine",
    }
    num_slots = 2

    @staticmethod
    def plain(**arguments):
        return lamb.LAMB(0.1, **arguments)

    @staticmethod
    def of_keras(**arguments):
        return keras.optimizers.Lamb(0.1, epsilon=1e-6, **arguments)
