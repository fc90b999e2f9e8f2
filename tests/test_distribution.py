"""Strategies and the two collectives, against plain numpy."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import distribution, errors

ROWS, WIDTH = 3, 2
TOLERANCE = 1e-6
"""Sums of a few float32 numbers near 1, in another order."""


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def on_every_replica(strategy, function):
    """Results of `function(replica index)`, one per replica."""

    @tf.function
    def call():
        return strategy.run(lambda: function(distribution.replica_index()))

    return strategy.experimental_local_results(call())


@pytest.mark.parametrize("replicas", [2, 4])
def test_gather_concatenates_in_replica_order(mirrored, replicas):
    parts = numbers(replicas, ROWS, WIDTH)
    results = on_every_replica(
        mirrored(replicas),
        lambda index: distribution.gather(tf.gather(parts, index)),
    )
    assert len(results) == replicas
    for gathered in results:
        np.testing.assert_array_equal(gathered, parts.reshape(-1, WIDTH))


@pytest.mark.parametrize("replicas", [2, 4])
def test_the_gradient_of_gather_sums_over_replicas(mirrored, replicas):
    parts = numbers(replicas, ROWS, WIDTH)
    upstream = numbers(replicas, replicas * ROWS, WIDTH)

    def gradient(index):
        rows = tf.gather(parts, index)
        with tf.GradientTape() as tape:
            tape.watch(rows)
            loss = tf.reduce_sum(
                tf.gather(upstream, index) * distribution.gather(rows)
            )
        return tape.gradient(loss, rows)

    expected = upstream.sum(axis=0).reshape(replicas, ROWS, WIDTH)
    results = on_every_replica(mirrored(replicas), gradient)
    np.testing.assert_allclose(results, expected, atol=TOLERANCE)


def test_all_reduce_sum_and_its_gradient(mirrored):
    parts = numbers(4, ROWS)

    def both(index):
        rows = tf.gather(parts, index)
        with tf.GradientTape() as tape:
            tape.watch(rows)
            total = distribution.all_reduce_sum(rows)
            loss = tf.cast(index, tf.float32) * tf.reduce_sum(total)
        return total, tape.gradient(loss, rows)

    totals, gradients = zip(*on_every_replica(mirrored(4), both), strict=True)
    expected = np.tile(parts.sum(axis=0), (4, 1))
    np.testing.assert_allclose(totals, expected, atol=TOLERANCE)
    np.testing.assert_allclose(gradients, np.full((4, ROWS), 0 + 1 + 2 + 3))


def test_one_device_needs_no_collective():
    rows = tf.constant(numbers(ROWS, WIDTH))
    assert distribution.num_replicas() == 1
    assert int(distribution.replica_index()) == 0
    assert distribution.gather(rows) is rows
    assert distribution.all_reduce_sum(rows) is rows


def test_the_default_is_one_cpu_and_no_wrapper():
    strategy = distribution.make_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert not isinstance(strategy, tf.distribute.MirroredStrategy)


def test_replicas_that_are_asked_for():
    strategy = distribution.make_strategy(num_replicas=2)
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == 2


def total(strategy, width):
    """The sum over replicas of ones [width], on the first replica."""
    call = tf.function(
        lambda: strategy.run(
            lambda: distribution.all_reduce_sum(tf.ones([width]))
        )
    )
    return strategy.experimental_local_results(call())[0].numpy()


def test_strategies_of_one_process_do_not_disturb_each_other():
    """Collectives of every shape and group, some made elsewhere."""
    foreign = tf.distribute.MirroredStrategy(["/cpu:0", "/cpu:1"])
    np.testing.assert_array_equal(total(foreign, 7), np.full(7, 2.0))
    for replicas in (2, 4, 2):
        for width in (3, 5):
            strategy = distribution.make_strategy(num_replicas=replicas)
            expected = np.full(width, float(replicas))
            np.testing.assert_array_equal(total(strategy, width), expected)


def test_devices_have_one_strategy():
    two, four = (distribution.make_strategy(num_replicas=n) for n in (2, 4))
    assert distribution.make_strategy(num_replicas=2) is two
    assert four is not two


def test_more_replicas_than_devices():
    with pytest.raises(errors.UserError) as caught:
        distribution.make_strategy(num_replicas=9)
    assert str(caught.value) == (
        "num_replicas must be at most the number of devices, 4; got 9"
    )


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ([], False),
        ([{}], False),  # no NVIDIA GPU
        ([{"compute_capability": (7, 5)}], False),
        (
            [{"compute_capability": (7, 5)}, {"compute_capability": (8, 0)}],
            True,
        ),
        ([{"compute_capability": (12, 0)}], True),
    ],
)
def test_gpus_with_tf32(monkeypatch, details, expected):
    gpus = dict(enumerate(details))
    monkeypatch.setattr(
        tf.config, "get_visible_devices", lambda kind: list(gpus)
    )
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", gpus.__getitem__
    )
    assert distribution.has_tf32() == expected


def resolver(monkeypatch, maker):
    monkeypatch.setattr(
        tf.distribute.cluster_resolver, "TPUClusterResolver", maker
    )


def test_a_tpu_that_is_not_there(monkeypatch):
    def refuse(**_):
        raise ValueError("Please provide a TPU Name\nand more lines")

    resolver(monkeypatch, refuse)
    address = distribution.TpuAddress("mine", "zone-a", "project-b")
    with pytest.raises(errors.UserError) as caught:
        distribution.make_strategy(tpu=address)
    assert str(caught.value) == (
        "use_tpu needs a TPU that can be reached; tpu_name='mine' gave: "
        "Please provide a TPU Name"
    )


def test_a_tpu_is_resolved_connected_and_initialised(monkeypatch):
    calls = []

    def record(name):
        def note(*arguments, **named):
            calls.append((name, arguments, named))
            return name

        return note

    resolver(monkeypatch, record("resolver"))
    for owner, name in (
        (tf.config, "experimental_connect_to_cluster"),
        (tf.tpu.experimental, "initialize_tpu_system"),
        (tf.distribute, "TPUStrategy"),
    ):
        monkeypatch.setattr(owner, name, record(name))
    address = distribution.TpuAddress("there", "zone-a", "project-b")
    for _ in range(2):  # a second initialisation would clear its memory
        assert distribution.make_strategy(tpu=address) == "TPUStrategy"
    named = {"tpu": "there", "zone": "zone-a", "project": "project-b"}
    assert calls == [
        ("resolver", (), named),
        ("experimental_connect_to_cluster", ("resolver",), {}),
        ("initialize_tpu_system", ("resolver",), {}),
        ("TPUStrategy", ("resolver",), {}),
    ]
