import json
import math
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.optim import schedules

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens" / "schedule.json"
SETTINGS = json.loads(GOLDENS.read_text())
PEAK_TOL = 1e-6  # of the peak: float32 cancellation near the end
SHAPES = [(0, 1), (0, 7), (3, 12), (10, 10), (1000, 100_000)]


def numbers_of(setting):
    """Peak, warm-up steps and total steps of a recorded setting."""
    batch, examples = setting["batch_size"], setting["num_examples"]
    peak = schedules.scaled_learning_rate(
        setting["learning_rate"],
        batch_size=batch,
        scaling=setting["scaling"],
    )
    return {
        "peak": peak,
        "warmup_steps": round(setting["warmup_epochs"] * examples // batch),
        "total_steps": setting["train_steps"],
    }


@pytest.mark.parametrize("setting", SETTINGS)
def test_equals_the_official_code(setting):
    numbers = numbers_of(setting)
    tolerance = PEAK_TOL * numbers["peak"]
    steps, expected = setting["steps"], setting["values"]
    rates = schedules.warmup_cosine(steps, **numbers)
    np.testing.assert_allclose(rates, expected, rtol=0, atol=tolerance)
    schedule = schedules.WarmupCosine(**numbers)
    rates = [schedule(step).numpy() for step in steps]
    np.testing.assert_allclose(rates, expected, rtol=0, atol=tolerance)


def oracle(step, *, peak, warmup_steps, total_steps):
    if step < warmup_steps:
        return peak * step / warmup_steps
    if step >= total_steps > warmup_steps:
        return 0.0
    progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
    return peak * (1 + math.cos(math.pi * progress)) / 2


@pytest.mark.parametrize(("warmup_steps", "total_steps"), SHAPES)
def test_equals_numpy_in_every_part(warmup_steps, total_steps):
    kwargs = {
        "peak": 2.5,
        "warmup_steps": warmup_steps,
        "total_steps": total_steps,
    }
    steps = np.unique(np.linspace(0, total_steps, 200).astype("int64"))
    rates = schedules.warmup_cosine(steps, **kwargs).numpy()
    expected = [oracle(step, **kwargs) for step in steps]
    np.testing.assert_allclose(rates, expected, rtol=0, atol=2.5e-6)
    assert (rates >= 0).all()
    assert (rates <= 2.5).all()
    assert (np.diff(rates[steps <= warmup_steps]) > 0).all()
    assert (np.diff(rates[steps >= warmup_steps]) <= 0).all()


def test_stays_at_zero_after_the_end():
    rates = schedules.warmup_cosine(
        [100, 101, 10**6], peak=1.0, warmup_steps=10, total_steps=100
    )
    np.testing.assert_array_equal(rates, [0.0, 0.0, 0.0])


def test_an_extended_schedule_is_several_one_after_the_other():
    """Bit for bit: the first, then a shorter warm-up, then a cosine alone."""
    numbers = {"peak": 0.3, "warmup_steps": 5, "total_steps": 59}
    schedule = schedules.ExtendedCosine(starts=(20, 55), **numbers)
    alone = [
        schedules.WarmupCosine(0.3, warmup_steps=warmup, total_steps=length)
        for warmup, length in ((5, 20), (3, 35), (0, 4))
    ]
    for step in range(60):
        number = int(step >= 20) + int(step >= 55)
        expected = alone[number](step - (0, 20, 55)[number]).numpy()
        assert schedule(step).numpy() == expected, step
    assert schedule(20).numpy() == 0
    assert schedule(23).numpy() == schedule(55).numpy() == np.float32(0.3)


def test_a_tensor_step_in_a_graph_gives_the_number_of_a_python_step():
    schedule = schedules.WarmupCosine(0.3, warmup_steps=3, total_steps=12)
    graph = tf.function(schedule)
    for step in range(13):
        traced = graph(tf.constant(step, tf.int64)).numpy()
        assert traced == pytest.approx(schedule(step).numpy(), abs=3e-7)


def test_a_round_trip_through_the_keras_config():
    schedule = schedules.WarmupCosine(0.3, warmup_steps=3, total_steps=12)
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(json.loads(
        json.dumps(config)))  # fmt: skip
    assert isinstance(again, schedules.WarmupCosine)
    assert again.get_config() == schedule.get_config()


def test_scaling_rules():
    linear = schedules.scaled_learning_rate(0.3, batch_size=4096)
    root = schedules.scaled_learning_rate(
        0.075, batch_size=4096, scaling="sqrt"
    )
    assert linear == pytest.approx(4.8)
    assert root == pytest.approx(4.8)


def test_an_unknown_scaling_is_refused():
    with pytest.raises(errors.UserError, match="linear or sqrt; got 'cube'"):
        schedules.scaled_learning_rate(1.0, batch_size=2, scaling="cube")


def test_an_extended_one_survives_it_too():
    schedule = schedules.ExtendedCosine(
        0.3, warmup_steps=3, total_steps=12, starts=(8,)
    )
    config = keras.optimizers.schedules.serialize(schedule)
    again = keras.optimizers.schedules.deserialize(json.loads(
        json.dumps(config)))  # fmt: skip
    assert isinstance(again, schedules.ExtendedCosine)
    assert again.get_config() == schedule.get_config()


@pytest.mark.parametrize("warmup_steps", [-1, 11])
def test_a_warmup_outside_the_run_is_refused(warmup_steps):
    kwargs = {"peak": 1.0, "warmup_steps": warmup_steps, "total_steps": 10}
    with pytest.raises(ValueError, match=f"got {warmup_steps}"):
        schedules.WarmupCosine(**kwargs)
    with pytest.raises(ValueError, match=f"got {warmup_steps}"):
        schedules.warmup_cosine(0, **kwargs)
