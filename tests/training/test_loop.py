"""The loop: exact step counts, events on time, no retracing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import state
from simclr_tf.training import loop


class Counting(keras.Model):
    def __init__(self):
        super().__init__(name="counting")
        self.scale = keras.layers.Dense(1, use_bias=False, name="scale")

    def call(self, images, training=False):
        return self.scale(tf.reshape(images, [-1, 12]))


def make_run(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        optimizer = keras.optimizers.SGD(0.01)
        run = state.make_state(Counting(), optimizer, image_size=2)

    def step_fn(batch):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(run.model(batch) ** 2)
        variables = run.model.trainable_variables
        run.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"seen": tf.reduce_mean(batch)}

    call = loop.make_train_call(step_fn, strategy, metric_names=("seen",))
    return run, call


def batches(strategy, *, unreadable=-1):
    def images_of(number):
        bad = tf.constant(unreadable, tf.int64)
        tf.debugging.assert_none_equal(number, bad, message="unreadable")
        return tf.ones([2, 2, 2, 3]) * tf.cast(number, tf.float32)

    def numbered(_):
        counter = tf.data.Dataset.counter()
        return counter.map(images_of)

    return iter(strategy.distribute_datasets_from_function(numbered))


@pytest.mark.parametrize("steps_per_call", [0, 1, 4])
@pytest.mark.parametrize("total", [1, 10])
def test_exactly_the_asked_steps(total, steps_per_call):
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy)
    reached = loop.train(
        run,
        call=call,
        iterator=batches(strategy),
        total_steps=total,
        steps_per_call=steps_per_call,
    )
    assert reached == run.step == total


def test_events_are_never_stepped_over():
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy)
    threes, fours = [], []
    loop.train(
        run,
        call=call,
        iterator=batches(strategy),
        total_steps=10,
        events=[loop.Event(3, threes.append), loop.Event(4, fours.append)],
        steps_per_call=7,
    )
    assert threes == [3, 6, 9, 10]
    assert fours == [4, 8, 10]


def test_metrics_are_means_over_steps_and_replicas(mirrored):
    strategy = mirrored(2)
    run, call = make_run(strategy)
    seen = []
    loop.train(
        run,
        call=call,
        iterator=batches(strategy),
        total_steps=4,
        report=lambda step, num, metrics: seen.append((step, num, metrics)),
        steps_per_call=2,
    )
    # Replicas take batches 0 and 1 at step 0, 2 and 3 at step 1, ...
    assert [(step, num) for step, num, _ in seen] == [(1, 1), (3, 2), (4, 1)]
    assert [m["seen"] for *_, m in seen] == [0.5, 3.5, 6.5]


def test_one_trace_serves_every_call():
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy)
    loop.train(
        run,
        call=call,
        iterator=batches(strategy),
        total_steps=12,
        events=[loop.Event(5, lambda step: None)],
        steps_per_call=3,
    )
    assert call.experimental_get_tracing_count() == 1


def test_a_stop_is_heeded_after_the_call():
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy)
    reached = loop.train(
        run,
        call=call,
        iterator=batches(strategy),
        total_steps=100,
        should_stop=lambda: run.step >= 5,
        steps_per_call=2,
    )
    assert reached == run.step == 5


def test_calls_grow_towards_the_target_duration():
    assert loop.next_call_steps(1, loop.SECS_PER_CALL) == 1
    assert loop.next_call_steps(10, loop.SECS_PER_CALL / 2) == 20
    assert loop.next_call_steps(1, 1e-9) == 8
    assert loop.next_call_steps(8, 100 * loop.SECS_PER_CALL) == 1


def test_a_loss_that_is_not_finite_stops_the_run():
    strategy = tf.distribute.get_strategy()
    run, call = make_run(strategy)
    reports = []

    def losses(iterator, num_steps):
        return call(iterator, num_steps) | {"total_loss": float("nan")}

    with pytest.raises(errors.UserError, match="total_loss is nan"):
        loop.train(
            run,
            call=losses,
            iterator=batches(strategy),
            total_steps=3,
            report=lambda *seen: reports.append(seen),
        )
    assert reports == []


def test_an_unreadable_batch_leaves_whole_steps(mirrored):
    """Neither half of the next step is done, nor the last one lacking."""
    strategies = (tf.distribute.get_strategy(), mirrored(2))
    for strategy, num_steps in zip(strategies, (7, 3), strict=True):
        whole, call = make_run(strategy)
        call(batches(strategy), tf.constant(num_steps))
        broken, call = make_run(strategy)
        with pytest.raises(tf.errors.InvalidArgumentError, match="unreadable"):
            call(batches(strategy, unreadable=7), tf.constant(10))
        assert broken.step == whole.step == num_steps
        for ours, theirs in zip(
            broken.model.weights, whole.model.weights, strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
