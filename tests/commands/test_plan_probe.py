"""How many images are probed, and the probe itself."""

import pytest
import tensorflow as tf

from simclr_tf.commands import plan_probe
from simclr_tf.config import Config
from simclr_tf.methods import pretrain, training_run
from simclr_tf.setup import networks, plan_of_run

BATCH = 16
FLOPS = plan_probe.PROBE_FLOPS["CPU"]


def size(batch_size, **values):
    options = {
        "num_replicas": 1,
        "flops_per_image": 1.0,
        "fits": lambda images: True,
    }
    return plan_probe.probe_size(batch_size, **options | values)


def test_a_batch_that_is_quick_and_fits_is_taken_whole():
    assert size(100) == 100


def test_it_is_halved_until_it_is_quick_and_fits():
    assert size(100, flops_per_image=FLOPS / 25) == 25
    assert size(96, fits=lambda images: images <= 10) == 6
    assert size(96, flops_per_image=2 * FLOPS) == 2


@pytest.mark.parametrize("replicas", [2, 3, 4])
def test_replicas_share_it(replicas):
    found = size(60 * replicas, num_replicas=replicas, fits=lambda n: n < 50)
    assert found % replicas == 0
    assert replicas <= found < 50
    none = size(60, num_replicas=replicas, fits=lambda images: False)
    assert none == replicas


def test_seconds_in_proportion():
    timing = plan_probe.Timing(images=8, secs=2.0)
    assert timing.step_secs(32) == 8.0
    assert timing.images_per_sec == 4.0


@pytest.mark.parametrize(
    ("replicas", "num_classes"),
    [(1, None), pytest.param(2, 3, marks=pytest.mark.slow)],
)
def test_two_real_steps_on_made_up_images(mirrored, replicas, num_classes):
    strategy = tf.distribute.get_strategy()
    if replicas > 1:
        strategy = mirrored(replicas)
    opened = open_run(strategy, replicas, num_classes)
    timing = plan_probe.time_steps(opened)
    assert timing.images == BATCH
    assert timing.secs > 0
    assert opened.state.step == 1 + plan_probe.TIMED_STEPS


def open_run(strategy, replicas=1, num_classes=None, **values):
    """A `training_run.Run` on made-up images."""
    settings = {
        "mode": "plan",
        "dataset": "digits",
        "image_size": 8,
        "resnet_depth": 10,
        "width_multiplier": 0.125,
        "train_batch_size": BATCH,
        "jit": "off",
    }
    config = Config(**settings | values)
    with strategy.scope():
        state = networks.make_train_state(
            config, num_classes=num_classes, total_steps=9, warmup_steps=0
        )
    numbers = plan_of_run.Plan(replicas, 9, 0, 9, num_classes)
    return training_run.Run(
        config, pretrain.Pretraining(), strategy, None, numbers, state
    )


@pytest.mark.parametrize(
    ("values", "images"),
    [
        ({}, 4),
        ({"microbatch_size": 8}, 16),
        ({"train_batch_size": 2}, 2),
        ({"precision": "bfloat16"}, 4),
    ],
)
def test_the_other_precision_on_fewer_images(monkeypatch, values, images):
    """In a network of its own: the weights stay where they are."""
    timed = []

    def note(opened):
        timed.append(opened)
        return plan_probe.Timing(opened.config.train_batch_size, 1.0)

    monkeypatch.setattr(plan_probe, "time_steps", note)
    opened = open_run(tf.distribute.get_strategy(), **values)
    assert plan_probe.time_other(opened).images == images
    other = timed[0].state.model.encoder.dtype_policy.compute_dtype
    ours = opened.state.model.encoder.dtype_policy.compute_dtype
    assert {other, ours} == {"float32", "bfloat16"}
    assert timed[0].config.precision == other


def test_made_up_batches_differ_and_repeat():
    config = Config(
        mode="plan", dataset="digits", image_size=8, train_batch_size=4
    )
    strategy = tf.distribute.get_strategy()
    runs = [plan_probe.synthetic_batches(config, 3, strategy) for _ in range(2)]
    first, second = next(runs[0]), next(runs[0])
    assert first["images"].shape == (4, 8, 8, 3)
    assert first["images"].dtype == tf.uint8
    assert second["positions"].numpy().tolist() == [4, 5, 6, 7]
    assert first["labels"].numpy().tolist() == [0, 1, 2, 0]
    assert tf.reduce_any(first["images"] != second["images"])
    again = next(runs[1])
    assert tf.reduce_all(first["images"] == again["images"])
