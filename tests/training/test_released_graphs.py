import gc
import weakref

import live_graphs
import pytest
import tensorflow as tf

from simclr_tf.data import digits, pipeline
from simclr_tf.training import batch_views, released_graphs

RECIPE = {
    "strength": 1.0,
    "jitter_impl": "v2",
    "crop_area": (0.08, 1.0),
    "flip_prob": 0.5,
    "blur_prob": 0.5,
}


@tf.custom_gradient
def doubled(x):
    return 2.0 * x, lambda upstream: 2.0 * upstream


def trace():
    """A weak reference to a graph in which a custom gradient was taken."""

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = doubled(x)
        return tape.gradient(y, x)

    concrete = slope.get_concrete_function(tf.constant(1.0))
    assert concrete(tf.constant(3.0)).numpy() == 2.0
    return weakref.ref(concrete.graph)


def train_batches():
    """Batches of digits from the start."""
    return pipeline.train_dataset(
        digits.open_digits("train"), batch_size=4, start_position=0, seed=0
    )


def test_graphs_of_a_run_are_let_go():
    with released_graphs.released():
        graph = trace()
        assert graph() is not None
    assert graph() is None


@released_graphs.released()
def fail(found):
    found.append(trace())
    raise KeyError


def test_graphs_of_a_run_that_failed_are_let_go():
    found = []
    with pytest.raises(KeyError):
        fail(found)
    gc.collect()
    assert found[0]() is None


def test_graphs_of_the_caller_stay_differentiable():
    @tf.function
    def of_the_caller(x):
        return doubled(x)

    of_the_caller.get_concrete_function(tf.constant(1.0))
    with released_graphs.released():
        trace()
    x = tf.Variable(3.0)
    with tf.GradientTape() as tape:
        y = of_the_caller(x)
    assert tape.gradient(y, x).numpy() == 2.0


def test_runs_that_are_alike_share_what_is_compiled():
    def make(seed):
        return batch_views.make_two_views(
            seed=seed, image_size=8, recipe=RECIPE
        )

    batch = next(iter(train_batches()))
    former, later = make(1), make(2**63 + 5)
    first = former(batch)
    num_graphs = live_graphs.count()
    other = later(batch)
    assert live_graphs.count() == num_graphs + 1  # the one around the programs
    tf.debugging.assert_equal(make(1)(batch), first)
    assert tf.reduce_any(first != other)


def test_batches_leave_no_graph_behind():
    found = []
    for _ in range(3):
        next(iter(train_batches()))
        found.append(live_graphs.count())
    assert found[0] == found[-1]
