"""One distillation step: the teacher stays, and one replica equals two."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import state
from simclr_tf.losses import distillation, supervised
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import optimizers
from simclr_tf.training import distill_step, loop

IMAGES, SIDE, CLASSES, NUM_STEPS = 8, 8, 3, 3
RTOL = 1e-4  # three steps of float32 sums in another order, amplified by BN
ATOL = 1e-5


def make_network(seed, *, width=0.125, num_classes=CLASSES):
    keras.utils.set_random_seed(seed)
    return simclr.SimCLR(
        resnet.ResNet(10, width=width, stem="cifar", name="resnet"),
        num_classes=num_classes,
        proj_out_dim=8,
        num_proj_layers=2,
        probe_stop_gradient=False,
    ).build_on(SIDE)


def make_state(strategy, *, optimizer="momentum"):
    with strategy.scope():
        model = make_network(0)
        made = optimizers.make_optimizer(
            optimizer, 0.05, exclude=model.supervised_variables
        )
        return state.make_state(model, made, image_size=SIDE)


def make_teacher(strategy, **options):
    """A network, and the function from images to its logits, made large."""
    with strategy.scope():
        network = make_network(1, width=0.25, **options)

    def teacher(images):
        return 100.0 * network(images, training=False).logits

    return network, teacher


def make_step(run, teacher, **options):
    settings = {"temperature": 2.0, "alpha": 0.4, "is_labelled": True}
    return distill_step.DistillStep(
        run,
        teacher=teacher,
        views_of=lambda batch: batch["images"],
        **(settings | options),
    )


def global_batch(step=0):
    generator = np.random.default_rng(step)
    labels = generator.integers(0, CLASSES, IMAGES).astype(np.int32)
    labels[:5] = -1  # one replica of two gets a label less than the other
    return {
        "images": generator.random((IMAGES, SIDE, SIDE, 3), np.float32),
        "labels": labels,
    }


def tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def single():
    return tf.distribute.get_strategy()


def batches(strategy):
    rows = IMAGES // strategy.num_replicas_in_sync
    whole = [global_batch(step) for step in range(NUM_STEPS)]
    columns = {
        name: np.concatenate([batch[name] for batch in whole])
        for name in ("images", "labels")
    }

    def dataset(_):
        slices = tf.data.Dataset.from_tensor_slices(columns)
        return slices.batch(rows, drop_remainder=True)

    return iter(strategy.distribute_datasets_from_function(dataset))


def train(strategy):
    run = make_state(strategy)
    _, teacher = make_teacher(strategy)
    kernels = [v for v in run.model.supervised_variables if len(v.shape) > 1]
    step = make_step(run, teacher, weight_decay=1e-3, decayed_variables=kernels)
    call = loop.make_train_call(step, strategy, metric_names=step.metric_names)
    metrics = call(batches(strategy), tf.constant(NUM_STEPS))
    return run, {name: float(value) for name, value in metrics.items()}


def test_one_replica_equals_two(mirrored):
    one, metrics = train(single())
    many, theirs = train(mirrored(2))
    assert metrics == pytest.approx(theirs, rel=RTOL)
    for a, b in zip(one.model.variables, many.model.variables, strict=True):
        np.testing.assert_allclose(
            a.numpy(), b.numpy(), rtol=RTOL, atol=ATOL, err_msg=a.path
        )


def test_the_teacher_is_frozen_and_in_inference():
    run = make_state(single())
    network, teacher = make_teacher(single())
    before = [v.numpy() for v in network.variables]
    tf.function(make_step(run, teacher))(tensors(global_batch()))
    for variable, value in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value, err_msg=variable.path)


def test_the_teacher_sees_what_the_student_sees():
    seen = []
    run = make_state(single())

    def views_of(batch):
        return tf.reverse(batch["images"], [2])

    def teacher(images):
        seen.append(images)
        return tf.zeros([IMAGES, CLASSES])

    batch = tensors(global_batch())
    step = distill_step.DistillStep(run, teacher=teacher, views_of=views_of)
    step(batch)
    np.testing.assert_array_equal(seen[0], views_of(batch))


def test_the_loss_is_the_mixture():
    run = make_state(single())
    _, teacher = make_teacher(single())
    batch = tensors(global_batch())
    logits = run.model(batch["images"], training=True).logits
    expected = distillation.distillation(
        logits,
        teacher(batch["images"]),
        batch["labels"],
        temperature=2.0,
        alpha=0.4,
    )
    metrics = make_step(run, teacher)(batch)
    pairs = {
        "total_loss": expected.loss,
        "distillation_loss": expected.distilled,
        "supervised_loss": expected.supervised,
    }
    for name, value in pairs.items():
        np.testing.assert_allclose(metrics[name], value, rtol=RTOL)


def test_labels_of_weight_0_change_nothing():
    batch = tensors(global_batch())
    weights = []
    for options in ({"alpha": 1.0}, {"alpha": 1.0, "is_labelled": False}):
        run = make_state(single())
        _, teacher = make_teacher(single())
        make_step(run, teacher, **options)(batch)
        weights.append(run.model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("is_labelled", [True, False])
def test_metric_names_are_what_a_step_returns(is_labelled):
    run = make_state(single())
    _, teacher = make_teacher(single())
    step = make_step(run, teacher, alpha=1.0, is_labelled=is_labelled)
    metrics = step(tensors(global_batch()))
    assert set(metrics) == set(step.metric_names)
    assert set(step.headline) <= set(metrics)


def test_a_student_learns_what_its_teacher_says():
    run = make_state(single())
    _, teacher = make_teacher(single())
    step = tf.function(
        make_step(run, teacher, alpha=1.0, temperature=1.0, is_labelled=False)
    )
    batch = tensors(global_batch())
    for _ in range(60):
        metrics = step(batch)
    assert float(metrics["teacher_agreement"]) == 1.0


def test_accuracy_is_that_of_the_labelled_images():
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    accuracy = supervised.top_k_accuracy
    assert float(accuracy(logits, np.array([0, -1, 1, -1]))) == 0.5
    assert float(accuracy(logits, np.array([-1, -1, -1, -1]))) == 0.0


def test_a_teacher_of_other_classes():
    run = make_state(single())
    _, teacher = make_teacher(single(), num_classes=4)
    with pytest.raises(errors.UserError, match="the 3 classes of the student"):
        make_step(run, teacher)(tensors(global_batch()))


def test_labels_must_be_there_to_have_weight():
    run = make_state(single())
    with pytest.raises(ValueError, match="alpha must be 1 without labels"):
        make_step(run, None, alpha=0.5, is_labelled=False)
