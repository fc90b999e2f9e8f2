"""One pretraining step: one replica equals k, and the probe is apart."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.checkpoints import state
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import lars
from simclr_tf.training import loop, steps

pytestmark = pytest.mark.usefixtures("eager")

IMAGES = 8
RTOL = 1e-4  # a step of float32 sums in another order, amplified by BN
ATOL = 1e-5


def make_state(strategy, *, num_classes=3, optimizer="lars"):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        encoder = resnet.ResNet(10, width=0.125, stem="cifar", name="resnet")
        model = simclr.SimCLR(
            encoder, num_classes=num_classes, proj_out_dim=8, num_proj_layers=2
        )
        model.build_on(8)
        make = {
            "lars": lambda: lars.LARS(
                0.05,
                momentum=0.9,
                weight_decay=1e-4,
                exclude=model.supervised_variables,
            ),
            "momentum": lambda: keras.optimizers.SGD(0.05, 0.9, nesterov=True),
        }
        return state.make_state(model, make[optimizer](), image_size=8)


def make_step(run, **options):
    def views_of(batch):
        pair = tf.unstack(batch["crops"], axis=1)
        return tf.concat(pair, axis=0)

    settings = {"temperature": 0.5, "views_of": views_of}
    return steps.PretrainStep(run, **(settings | options))


WITHOUT_LABEL = (slice(0, 5), slice(0, IMAGES), slice(0, 0))
"""Of each step: with two replicas the first has none, both have none."""


def global_batch(step):
    generator = np.random.default_rng(step)
    labels = generator.integers(0, 3, IMAGES).astype(np.int32)
    labels[WITHOUT_LABEL[step]] = -1
    return {
        "crops": generator.random((IMAGES, 2, 8, 8, 3), np.float32),
        "labels": labels,
    }


def batches(strategy):
    """Global batch s cut into one slice per replica."""
    replicas = strategy.num_replicas_in_sync
    rows = IMAGES // replicas

    def slices():
        for step in range(3):
            batch = global_batch(step)
            for r in range(replicas):
                part = slice(r * rows, (r + 1) * rows)
                yield {name: value[part] for name, value in batch.items()}

    def dataset(_):
        return tf.data.Dataset.from_generator(
            slices,
            output_signature={
                "crops": tf.TensorSpec([rows, 2, 8, 8, 3]),
                "labels": tf.TensorSpec([rows], tf.int32),
            },
        )

    return iter(strategy.distribute_datasets_from_function(dataset))


def train(strategy, **options):
    """The state after three steps, and the metrics of the last."""
    *_, last = stepwise(strategy, **options)
    return last


def stepwise(strategy, **options):
    """Yields (state, metrics) after each of three steps."""
    run = make_state(strategy, **options)
    step = make_step(run, weight_decay=1e-3, decayed_variables=decayed(run))
    call = loop.make_train_call(step, strategy, metric_names=step.metric_names)
    iterator = batches(strategy)
    for _ in range(3):
        metrics = call(iterator, tf.constant(1))
        yield run, {name: float(value) for name, value in metrics.items()}


def decayed(run):
    return [v for v in run.model.supervised_variables if len(v.shape) > 1]


@pytest.mark.parametrize(
    "replicas", [2, pytest.param(4, marks=pytest.mark.slow)]
)
def test_one_replica_equals_k(mirrored, replicas):
    """In every step, from the same state: rounding grows without bound.

    Where a sum in another order moves an activation across 0, the next step
    has another gradient, and the one after it other weights.
    """
    one = stepwise(tf.distribute.get_strategy())
    many = stepwise(mirrored(replicas))
    for _ in range(3):
        run, metrics = next(one)
        other, theirs = next(many)
        assert metrics == pytest.approx(theirs, rel=RTOL)
        for a, b in zip(variables(run), variables(other), strict=True):
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), rtol=RTOL, atol=ATOL, err_msg=a.path
            )
            b.assign(a.numpy())


def variables(run):
    """Those of the network, and what the optimizer remembers."""
    return [*run.model.variables, *run.optimizer.variables]


@pytest.mark.slow
def test_every_replica_ends_with_the_same_variables(mirrored):
    run, _ = train(mirrored(2))
    for variable in run.model.variables:
        copies = [copy.numpy() for copy in variable.value.values]
        np.testing.assert_array_equal(*copies, err_msg=variable.path)


def test_the_probe_touches_nothing_else():
    with_probe = make_state(tf.distribute.get_strategy(), num_classes=3)
    without = make_state(tf.distribute.get_strategy(), num_classes=None)
    for name in ("encoder", "projection_head"):
        theirs = getattr(with_probe.model, name).get_weights()
        getattr(without.model, name).set_weights(theirs)
    batch = {k: tf.constant(v) for k, v in global_batch(0).items()}
    for run in (with_probe, without):
        tf.function(make_step(run))(batch)
    for part in ("encoder", "projection_head"):
        ours = getattr(with_probe.model, part).variables
        theirs = getattr(without.model, part).variables
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), rtol=RTOL, atol=ATOL, err_msg=a.path
            )


def test_the_total_is_the_sum_of_its_parts():
    _, metrics = train(tf.distribute.get_strategy(), optimizer="momentum")
    parts = ("contrast_loss", "supervised_loss", "weight_decay")
    assert metrics["total_loss"] == pytest.approx(
        sum(metrics[name] for name in parts), rel=1e-6
    )
    assert metrics["weight_decay"] > 0


def probe_of(labels, logits):
    """(loss, accuracy, gradient by the logits) of the probe, as numbers."""
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = steps.probe_metrics(logits, {"labels": tf.constant(labels)})
    gradient = tape.gradient(found["supervised_loss"], logits)
    return *(float(value) for value in found.values()), gradient.numpy()


def test_the_probe_leaves_out_images_without_label():
    logits = np.random.default_rng(0).normal(size=(2 * 5, 3))
    logits = logits.astype(np.float32)
    labels = np.array([2, -1, 0, -1, 1], np.int32)
    kept = np.tile(labels >= 0, 2)
    *found, gradient = probe_of(labels, logits)
    *expected, theirs = probe_of(labels[labels >= 0], logits[kept])
    assert found == pytest.approx(expected)
    np.testing.assert_allclose(gradient[kept], theirs, rtol=RTOL)
    assert not gradient[~kept].any()


def test_a_batch_without_labels_moves_nothing():
    loss, accuracy, gradient = probe_of(
        np.full(2, -1, np.int32), np.ones((4, 3), np.float32)
    )
    assert (loss, accuracy) == (0, 0)
    assert not gradient.any()


@pytest.mark.parametrize("num_classes", [3, None])
def test_metric_names_are_what_a_step_returns(num_classes):
    run = make_state(tf.distribute.get_strategy(), num_classes=num_classes)
    step = make_step(run)
    batch = {k: tf.constant(v) for k, v in global_batch(0).items()}
    assert tuple(step(batch)) == step.metric_names


def test_training_learns_to_tell_images_apart():
    run = make_state(tf.distribute.get_strategy(), optimizer="momentum")
    step = tf.function(make_step(run))
    batch = {k: tf.constant(v) for k, v in global_batch(0).items()}
    batch["crops"] = tf.repeat(batch["crops"][:, :1], 2, axis=1)
    losses = [float(step(batch)["contrast_loss"]) for _ in range(40)]
    assert losses[-1] < losses[0] - 0.1
