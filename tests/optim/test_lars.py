import pathlib

import keras
import numpy as np
import optimizer_suite
import pytest

from simclr_tf.optim import lars, layerwise

GOLDENS = np.load(pathlib.Path(__file__).parents[1] / "goldens" / "lars.npz")
CASES = range(5)
NUM_STEPS = 4
GOLDEN_RTOL = 1e-6  # of the largest value: float32 norms in another order
OFFICIALLY_EXCLUDED = ("batch_normalization", "bias", "head_supervised")


def hyper(case):
    """Learning rate, and the other numbers by our names."""
    recorded_as = f"lars/{case}/lr_momentum_wd_nesterov_classic_eeta"
    rate, momentum, weight_decay, nesterov, classic, eta = GOLDENS[recorded_as]
    return float(rate), {
        "momentum": float(momentum),
        "weight_decay": float(weight_decay),
        "eta": float(eta),
        "nesterov": bool(nesterov),
        "classic_momentum": bool(classic),
    }


def recorded(case, what):
    """Arrays of one moment, by the official variable name."""
    prefix = f"lars/{case}/{what}/"
    return {
        key.removeprefix(prefix): GOLDENS[key]
        for key in GOLDENS.files
        if key.startswith(prefix)
    }


def excluded(name):
    return any(part in name for part in OFFICIALLY_EXCLUDED)


@pytest.mark.parametrize("case", CASES)
def test_update_equals_the_official_code(case):
    rate, numbers = hyper(case)
    weights = recorded(case, "init")
    velocities = {name: np.zeros_like(w) for name, w in weights.items()}
    for step in range(NUM_STEPS):
        gradients = recorded(case, f"step{step}/grad")
        expected = recorded(case, f"step{step}/value")
        for name in weights:
            included = not excluded(name)
            weights[name], velocities[name] = lars.lars_update(
                weights[name],
                velocities[name],
                gradients[name],
                learning_rate=rate,
                decay=included,
                adapt=included,
                **numbers,
            )
            optimizer_suite.assert_close(
                weights[name], expected[name], rtol=GOLDEN_RTOL
            )


@pytest.mark.parametrize("case", CASES)
def test_optimizer_equals_the_official_code(case):
    rate, numbers = hyper(case)
    variables = {
        name: keras.Variable(value, name=name.replace("/", "_"))
        for name, value in recorded(case, "init").items()
    }
    head = [v for name, v in variables.items() if "head_supervised" in name]
    optimizer = lars.LARS(rate, exclude=head, **numbers)
    optimizer.build(list(variables.values()))
    for step in range(NUM_STEPS):
        gradients = recorded(case, f"step{step}/grad")
        optimizer.apply([gradients[n] for n in variables], variables.values())
        for name, value in recorded(case, f"step{step}/value").items():
            optimizer_suite.assert_close(
                variables[name].numpy(), value, rtol=GOLDEN_RTOL
            )


def oracle(weight, velocity, gradient, *, rate, weight_decay):
    """Algorithm 1 of You et al. with the paper's constants, in float64."""
    gradient = gradient + weight_decay * weight
    local = 0.001 * np.linalg.norm(weight) / np.linalg.norm(gradient)
    velocity = 0.9 * velocity + rate * local * gradient
    return weight - velocity, velocity


def test_defaults_equal_the_paper():
    rng = np.random.default_rng(0)
    weight, velocity = rng.standard_normal((5, 4)), np.zeros((5, 4))
    actual = weight.astype("float32"), velocity.astype("float32")
    for _ in range(5):
        gradient = rng.standard_normal((5, 4))
        weight, velocity = oracle(
            weight, velocity, gradient, rate=2.0, weight_decay=0.1
        )
        actual = lars.lars_update(
            *actual,
            gradient.astype("float32"),
            learning_rate=2.0,
            weight_decay=0.1,
        )
    optimizer_suite.assert_close(actual[0], weight, rtol=1e-6)
    optimizer_suite.assert_close(actual[1], velocity, rtol=1e-6)


def test_the_size_of_the_gradient_does_not_matter():
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((5, 4)).astype("float32")
    gradient = rng.standard_normal((5, 4)).astype("float32")
    steps = [
        lars.lars_update(weight, 0.0, scale * gradient, learning_rate=1.0)[0]
        for scale in (1.0, 1000.0)
    ]
    optimizer_suite.assert_close(steps[0], steps[1], rtol=1e-6)


def test_an_excluded_variable_takes_a_plain_momentum_step():
    weight, gradient = np.float32([1.0, 2.0]), np.float32([3.0, 4.0])
    new, velocity = lars.lars_update(
        weight,
        np.float32([10.0, 0.0]),
        gradient,
        learning_rate=0.1,
        weight_decay=5.0,
        decay=False,
        adapt=False,
    )
    np.testing.assert_allclose(velocity, [9.3, 0.4], rtol=1e-6)
    np.testing.assert_allclose(new, [-8.3, 1.6], rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (7,), (3, 3, 16, 32)])
@pytest.mark.parametrize("scale", [1e-10, 1.0, 1e10])
def test_the_trust_ratio_equals_that_of_float64(shape, scale):
    rng = np.random.default_rng(0)
    weight = (scale * rng.standard_normal(shape)).astype("float32")
    update = rng.standard_normal(shape).astype("float32")
    expected = np.linalg.norm(weight.astype("float64")) / np.linalg.norm(
        update.astype("float64")
    )
    ratio = layerwise.trust_ratio(weight, update).numpy()
    assert ratio == pytest.approx(expected, rel=GOLDEN_RTOL)


class TestLars(optimizer_suite.OptimizerSuite):
    make = staticmethod(lars.LARS)
    settings = {  # noqa: RUF012
        "momentum": 0.8,
        "weight_decay": 0.01,
        "eta": 0.1,
        "nesterov": True,
        "classic_momentum": False,
        "exclude_vectors": True,
        "name": "mine",
    }
    num_slots = 1

    @staticmethod
    def plain(**arguments):
        weight = ("weight",)  # neither decayed nor adapted: SGD
        return lars.LARS(0.1, exclude=weight, **arguments)

    @staticmethod
    def of_keras(**arguments):
        return keras.optimizers.SGD(0.1, momentum=0.9, **arguments)
