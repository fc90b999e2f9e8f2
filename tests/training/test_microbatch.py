"""The step by microbatches: the gradient of the whole batch, exactly."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.checkpoints import state
from simclr_tf.losses import ntxent, ntxent_streaming
from simclr_tf.models import norm, resnet, simclr
from simclr_tf.training import loop, microbatch, steps

pytestmark = pytest.mark.usefixtures("eager")

IMAGES = 8
RTOL = 2e-5  # float32 sums in another order, through ten layers
ATOL = 2e-6


class Recording(keras.optimizers.SGD):
    """SGD that keeps the gradients it was given, in a variable each."""

    def build(self, variables):
        super().build(variables)
        self.seen = [tf.Variable(tf.zeros(v.shape)) for v in variables]

    def apply(self, gradients, trainable_variables=None):
        for seen, gradient in zip(self.seen, gradients, strict=True):
            seen.assign(gradient)
        super().apply(gradients, trainable_variables)


def make_state(*, is_frozen, num_classes=3, dtype="float32", **options):
    keras.utils.set_random_seed(0)
    encoder = resnet.ResNet(
        10, width=0.125, stem="cifar", dtype=dtype, **options
    )
    model = simclr.SimCLR(
        encoder, num_classes=num_classes, proj_out_dim=8, num_proj_layers=2
    ).build_on(8)
    for layer in model._flatten_layers():
        if isinstance(layer, norm.BatchNorm):
            layer.trainable = not is_frozen
            if layer.gamma.numpy()[0] == 0:  # or blocks would give nothing
                layer.gamma.assign(tf.ones_like(layer.gamma))
    return state.make_state(model, Recording(0.05), image_size=8)


def views_of(batch):
    return tf.concat(tf.unstack(batch["crops"], axis=1), axis=0)


def make_step(run, *, microbatch_size=None, contrast=ntxent.nt_xent):
    settings = {
        "views_of": views_of,
        "contrast": contrast,
        "temperature": 0.5,
        "weight_decay": 1e-2,
        "decayed_variables": run.model.supervised_variables[:1],
    }
    if microbatch_size is None:
        return steps.PretrainStep(run, **settings)
    return microbatch.MicrobatchedPretrainStep(
        run, microbatch_size=microbatch_size, **settings
    )


def batch():
    generator = np.random.default_rng(3)
    crops = generator.random((IMAGES, 2, 8, 8, 3), np.float32)
    labels = generator.integers(0, 3, IMAGES)
    labels[[1, 4, 5]] = -1  # of a microbatch of two: one, both, none
    return {
        "crops": tf.constant(crops),
        "labels": tf.constant(labels, tf.int32),
    }


def take_step(run, **options):
    """Metrics, gradients, and all variables after one traced step."""
    step = tf.function(make_step(run, **options))
    metrics = {name: float(value) for name, value in step(batch()).items()}
    gradients = [seen.numpy() for seen in run.optimizer.seen]
    variables = [v.numpy() for v in run.model.variables]
    return metrics, gradients, variables


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize(
    ("size", "contrast"),
    [
        (1, ntxent.nt_xent),
        (2, ntxent.nt_xent),
        (8, ntxent.nt_xent),
        (2, ntxent_streaming.nt_xent_streaming),
    ],
)
def test_with_frozen_norm_it_is_the_step_of_the_whole_batch(size, contrast):
    whole = take_step(make_state(is_frozen=True), contrast=contrast)
    parts = take_step(
        make_state(is_frozen=True), contrast=contrast, microbatch_size=size
    )
    assert list(parts[0]) == list(whole[0])
    assert_same(parts[0].values(), whole[0].values())
    assert_same(parts[1], whole[1])
    assert_same(parts[2], whole[2])
    assert max(abs(gradient).max() for gradient in whole[1]) > 1e-3


def test_one_microbatch_is_the_step_of_the_whole_batch():
    whole = take_step(make_state(is_frozen=False))
    parts = take_step(make_state(is_frozen=False), microbatch_size=IMAGES)
    for one, other in zip(parts, whole, strict=True):
        one, other = (
            list(x.values()) if isinstance(x, dict) else x for x in (one, other)
        )
        assert_same(one, other)


def test_the_loss_is_that_of_all_projections():
    """Normalised by microbatch, compared with all others of the batch."""
    run = make_state(is_frozen=False, num_classes=None)
    whole = batch()
    parts = microbatch.split(whole, 2)
    rows = [
        run.model(views_of(microbatch.take(parts, i)), training=True)
        for i in range(4)
    ]
    rows = [tf.split(each.projections, 2) for each in rows]
    rows = tf.concat([each[v] for v in (0, 1) for each in rows], axis=0)
    expected = ntxent.nt_xent(rows, temperature=0.5).loss
    fresh = make_state(is_frozen=False, num_classes=None)
    metrics, _, _ = take_step(fresh, microbatch_size=2)
    np.testing.assert_allclose(metrics["contrast_loss"], expected, rtol=RTOL)


def test_moving_statistics_and_count_move_once():
    run = make_state(is_frozen=False)
    before = [v.numpy() for v in run.model.non_trainable_variables]
    moved = []
    parts = microbatch.split(batch(), 2)
    for index in range(4):
        fresh = make_state(is_frozen=False)
        fresh.model(views_of(microbatch.take(parts, index)), training=True)
        moved.append([v.numpy() for v in fresh.model.non_trainable_variables])
    expected = [np.mean(each, axis=0) for each in zip(*moved, strict=True)]
    take_step(run, microbatch_size=2)
    found = [v.numpy() for v in run.model.non_trainable_variables]
    assert_same(found, expected)
    assert any(
        abs(a - b).max() > 1e-3 for a, b in zip(found, before, strict=True)
    )
    assert run.step == 1


def test_the_probe_moves_once_by_the_mean_over_microbatches():
    whole = make_state(is_frozen=True)
    parts = make_state(is_frozen=True)
    take_step(whole)
    take_step(parts, microbatch_size=2)
    for one, other in zip(
        parts.model.supervised_variables,
        whole.model.supervised_variables,
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=RTOL, atol=ATOL)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_it_goes_with_recomputation(dtype):
    plain = make_state(is_frozen=False, dtype=dtype)
    saving = make_state(is_frozen=False, dtype=dtype, remat=True)
    expected = take_step(plain, microbatch_size=4)
    found = take_step(saving, microbatch_size=4)
    assert_same(found[1], expected[1])
    assert_same(found[2], expected[2])


def test_rows_are_joined_and_split_by_view():
    rows = tf.reshape(tf.range(24.0), [3, 4, 2])
    joined = microbatch.join_views(rows)
    first = [0, 1, 4, 5, 8, 9]
    np.testing.assert_array_equal(
        joined[:, 0] / 2, first + [row + 2 for row in first]
    )
    np.testing.assert_array_equal(microbatch.split_views(joined, 3), rows)


def test_a_size_that_does_not_divide_is_refused():
    with pytest.raises(ValueError, match="3 must divide a replica's batch"):
        microbatch.split(batch(), 3)


def test_replicas_take_the_step_of_one(mirrored):
    """The same microbatches, on one device and on two."""
    one = distributed_step(tf.distribute.get_strategy(), microbatch_size=2)
    two = distributed_step(mirrored(2), microbatch_size=2)
    assert_same(two[0].values(), one[0].values())
    assert_same(two[1], one[1])


def distributed_step(strategy, *, microbatch_size):
    """Metrics, and all variables of the model, after one step."""
    with strategy.scope():
        run = make_state(is_frozen=False)
    step = make_step(run, microbatch_size=microbatch_size)
    whole = batch()
    rows = IMAGES // strategy.num_replicas_in_sync

    def dataset(_):
        return tf.data.Dataset.from_tensor_slices(whole).batch(
            rows, drop_remainder=True
        )

    iterator = iter(strategy.distribute_datasets_from_function(dataset))
    call = loop.make_train_call(step, strategy, metric_names=step.metric_names)
    metrics = call(iterator, tf.constant(1))
    return (
        {name: float(value) for name, value in metrics.items()},
        [variable.numpy() for variable in run.model.variables],
    )
