"""The share of time spent waiting for input, and the trace."""

import glob
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.checkpoints import state
from simclr_tf.training import loop, profile

SECS = 0.02  # of one wait, or of one slow step


class Scale(keras.Model):
    def __init__(self):
        super().__init__(name="scale")
        self.dense = keras.layers.Dense(1, use_bias=False, name="dense")

    def call(self, images, training=False):
        return self.dense(tf.reshape(images, [-1, 12]))


def rest(number):
    time.sleep(SECS)
    return number


def resting(number):
    return tf.ensure_shape(tf.numpy_function(rest, [number], tf.int64), [])


def make_run(strategy, tmp_path, *, slow_step=False):
    with strategy.scope():
        run = state.make_state(
            Scale(), keras.optimizers.SGD(0.01), image_size=2
        )

    def step_fn(batch):
        seen = tf.reduce_mean(batch)
        if slow_step:
            seen += 0.0 * tf.cast(resting(tf.cast(seen, tf.int64)), tf.float32)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(run.model(batch) ** 2)
        variables = run.model.trainable_variables
        run.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"seen": seen}

    call = profile.ProfiledCall(
        step_fn, strategy, metric_names=("seen",), directory=str(tmp_path)
    )
    return run, call


def batches(strategy, *, slow=False):
    """Batches full of 0, 1, 2, ..., perhaps each of them late."""
    options = tf.data.Options()
    options.autotune.enabled = False  # which would prefetch

    def numbered(_):
        counter = tf.data.Dataset.counter()
        if slow:
            counter = counter.map(resting)
        return counter.map(
            lambda n: tf.ones([2, 2, 2, 3]) * tf.cast(n, tf.float32)
        ).with_options(options)

    return iter(strategy.distribute_datasets_from_function(numbered))


def train(run, call, iterator, total_steps):
    reports = []
    loop.train(
        run,
        call=call,
        iterator=iterator,
        total_steps=total_steps,
        report=lambda *seen: reports.append(seen),
        steps_per_call=2,
    )
    return reports


def traces(tmp_path):
    return glob.glob(f"{tmp_path}/plugins/profile/*/*.xplane.pb")


def test_slow_input_is_waited_for_nearly_always(tmp_path):
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy, tmp_path)
    train(run, call, batches(strategy, slow=True), 10)
    assert 0.6 < call.input_wait_share <= 1.0
    line = call.close()
    assert line.startswith(f"profile: {call.input_wait_share:.1%} of the time")
    assert str(tmp_path) in line


def test_fast_input_is_hardly_waited_for(tmp_path):
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy, tmp_path, slow_step=True)
    train(run, call, batches(strategy), 10)
    assert 0.0 <= call.input_wait_share < 0.4


@pytest.mark.parametrize("replicas", [1, 2])
def test_it_reports_what_the_graph_call_reports(replicas, mirrored, tmp_path):
    strategy = tf.distribute.get_strategy()
    if replicas > 1:
        strategy = mirrored(replicas)
    run, call = make_run(strategy, tmp_path)
    reports = train(run, call, batches(strategy), 5)
    assert run.step == 5
    assert [(step, num) for step, num, _ in reports] == [(1, 1), (3, 2), (5, 2)]
    # Replicas take batches 0 and 1 at step 0, 2 and 3 at step 1, ...
    per_step = np.arange(5 * replicas).reshape(5, replicas).mean(axis=1)
    expected = [per_step[0], per_step[1:3].mean(), per_step[3:].mean()]
    np.testing.assert_allclose([m["seen"] for *_, m in reports], expected)
    assert all(0 <= m[profile.INPUT_WAIT] <= 1 for *_, m in reports)


@pytest.mark.parametrize("steps", [3, 8])
def test_a_trace_is_written_even_by_a_short_run(steps, tmp_path):
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy, tmp_path)
    train(run, call, batches(strategy), steps)
    call.close()
    assert len(traces(tmp_path)) == 1
    # A second run may trace again: the first one is over.
    run, call = make_run(strategy, tmp_path / "again")
    train(run, call, batches(strategy), 4)
    call.close()
    assert len(traces(tmp_path / "again")) == 1


def test_a_run_too_short_says_so(tmp_path):
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy, tmp_path)
    train(run, call, batches(strategy), profile.WARM_UP_STEPS)
    assert call.input_wait_share is None
    assert "over 2 steps" in call.close()
    assert traces(tmp_path) == []
