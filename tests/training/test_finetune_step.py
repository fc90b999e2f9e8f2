"""One fine-tuning step: what moves, and one replica equals k."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.checkpoints import state
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import optimizers
from simclr_tf.training import loop, steps

pytestmark = pytest.mark.usefixtures("eager")

IMAGES, SIDE, CLASSES, NUM_STEPS = 8, 8, 3, 3
RTOL = 1e-4  # three steps of float32 sums in another order, amplified by BN
ATOL = 1e-5


def make_state(strategy, *, selector=1, optimizer="lars"):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = simclr.SimCLR(
            resnet.ResNet(10, width=0.125, stem="cifar", name="resnet"),
            num_classes=CLASSES,
            proj_out_dim=8,
            ft_proj_selector=selector,
            probe_stop_gradient=False,
        ).build_on(SIDE)
        made = optimizers.make_optimizer(
            optimizer, 0.05, exclude=model.supervised_variables
        )
        return state.make_state(model, made, image_size=SIDE)


def make_step(run, **options):
    return steps.FinetuneStep(
        run, views_of=lambda batch: batch["images"], **options
    )


def global_batch(step=0):
    generator = np.random.default_rng(step)
    return {
        "images": generator.random((IMAGES, SIDE, SIDE, 3), np.float32),
        "labels": generator.integers(0, CLASSES, IMAGES).astype(np.int32),
    }


def single():
    return tf.distribute.get_strategy()


def values(model):
    return {v.path: v.numpy() for v in model.variables}


def moved(run, step):
    """Paths of the variables that a step moves."""
    before = values(run.model)
    tf.function(step)({k: tf.constant(v) for k, v in global_batch().items()})
    after = values(run.model)
    return {path for path in before if np.any(before[path] != after[path])}


def batches(strategy):
    rows = IMAGES // strategy.num_replicas_in_sync

    def dataset(_):
        whole = tf.data.Dataset.from_tensor_slices(
            {
                name: np.concatenate(
                    [global_batch(s)[name] for s in range(NUM_STEPS)]
                )
                for name in ("images", "labels")
            }
        )
        return whole.batch(rows, drop_remainder=True)

    return iter(strategy.distribute_datasets_from_function(dataset))


def train(strategy):
    run = make_state(strategy)
    kernels = [v for v in run.model.supervised_variables if len(v.shape) > 1]
    step = make_step(run, weight_decay=1e-3, decayed_variables=kernels)
    call = loop.make_train_call(step, strategy, metric_names=step.metric_names)
    metrics = call(batches(strategy), tf.constant(NUM_STEPS))
    return run, {name: float(value) for name, value in metrics.items()}


@pytest.mark.slow
def test_one_replica_equals_two(mirrored):
    one, metrics = train(single())
    many, theirs = train(mirrored(2))
    assert metrics == pytest.approx(theirs, rel=RTOL)
    for a, b in zip(one.model.variables, many.model.variables, strict=True):
        np.testing.assert_allclose(
            a.numpy(), b.numpy(), rtol=RTOL, atol=ATOL, err_msg=a.path
        )


@pytest.mark.parametrize("optimizer", ["lars", "momentum", "adam"])
def test_layers_past_the_selector_stay_but_for_their_statistics(optimizer):
    run = make_state(single(), selector=1, optimizer=optimizer)
    found = moved(run, make_step(run))
    trained = {v.path for v in run.model.trainable_variables}
    past = {p for p in trained if "layer2/" in p or "layer3/" in p}
    assert past
    reached = {p for p in trained - past if "/norm" not in p}
    assert not found & past
    # Zero gammas of the last norms stop the gradient of what is before them.
    assert {p for p in reached if "conv" not in p} <= found
    statistics = {v.path for v in run.model.non_trainable_variables}
    assert {p for p in statistics if "projection_head" in p} <= found


def test_the_total_is_the_sum_of_its_parts():
    _, metrics = train(single())
    assert metrics["weight_decay"] > 0
    assert metrics["total_loss"] == pytest.approx(
        metrics["supervised_loss"] + metrics["weight_decay"], rel=1e-6
    )


def test_it_learns_the_labels_of_a_batch():
    run = make_state(single(), optimizer="momentum")
    step = tf.function(make_step(run))
    batch = {k: tf.constant(v) for k, v in global_batch().items()}
    for _ in range(40):
        metrics = step(batch)
    assert float(metrics["supervised_acc"]) == 1.0
