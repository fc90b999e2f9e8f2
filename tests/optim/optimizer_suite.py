"""What every layer-wise optimiser must pass.

A test module subclasses `OptimizerSuite` and sets `make`, `settings` (every
keyword of its own but `exclude`, none at its default), `num_slots`, and `plain`
and `of_keras`: it and Keras' optimiser where they do the same.
"""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf.optim import schedules

REPLICAS_RTOL = 1e-6  # of the largest value: gradients summed in another order
NUM_STEPS = 3
SAME_AS_KERAS = 1e-5  # of the largest value: other formulas for the same step
BASE_ARGUMENTS = (
    {"clipnorm": 0.1},
    {"global_clipnorm": 0.1},
    {"clipvalue": 0.05},
    {"use_ema": True, "ema_momentum": 0.6},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 2},
    {"loss_scale_factor": 8.0},
    {"gradient_accumulation_steps": 2},
)
"""What every optimiser of Keras takes."""


def assert_close(actual, expected, *, rtol):
    """Within `rtol` of the largest expected magnitude."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=rtol * scale)


def make_model():
    """Kernel, bias, gamma, beta and a head, with fixed weights."""
    model = keras.Sequential(
        [
            keras.Input([5]),
            keras.layers.Dense(4, name="body"),
            keras.layers.LayerNormalization(name="norm"),
            keras.layers.Dense(2, name="head"),
        ],
        name="model",
    )
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.standard_normal(variable.shape))
    return model


def head_of(model):
    return model.get_layer("head").trainable_variables


def values(variables):
    return [variable.numpy() for variable in variables]


def train(strategy, make_optimizer):
    """Weights after some steps on one batch dealt to the replicas."""
    num_replicas = strategy.num_replicas_in_sync
    rows = np.random.default_rng(1).standard_normal((8, 5)).astype("float32")
    parts = [tf.constant(p) for p in np.split(rows, num_replicas)]
    with strategy.scope():
        model = make_model()
        optimizer = make_optimizer(head_of(model))
        optimizer.build(model.trainable_variables)

    def step(images):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            loss = tf.reduce_mean(outputs**2) / num_replicas
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    @tf.function
    def steps(images):
        for _ in tf.range(NUM_STEPS):
            strategy.run(step, args=(images,))

    images = strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group]
    )
    steps(images)
    return model, optimizer


class OptimizerSuite:
    """Subclass as `Test...` and set the attributes."""

    make = None
    settings = None
    num_slots = None
    plain = None
    of_keras = None

    def optimizer(self, exclude=(), learning_rate=0.1):
        return self.make(learning_rate, exclude=exclude, **self.settings)

    def optimizer_with(self, **arguments):
        return self.make(0.1, **self.settings, **arguments)

    @pytest.mark.parametrize("num_replicas", [2, 4])
    def test_replicas_equal_one_device(self, mirrored, num_replicas):
        one = train(tf.distribute.get_strategy(), self.optimizer)
        many = train(mirrored(num_replicas), self.optimizer)
        for single, several in zip(one, many, strict=True):
            for expected, actual in zip(
                values(single.variables), values(several.variables), strict=True
            ):
                assert_close(actual, expected, rtol=REPLICAS_RTOL)
        copies = [v.value.values for v in many[0].trainable_variables]
        for first, *others in copies:
            for other in others:
                np.testing.assert_array_equal(first, other)

    def test_exclusions_are_what_was_asked_for(self):
        model = make_model()
        optimizer = self.optimizer(head_of(model))
        optimizer.build(model.trainable_variables)
        included = [
            v.path
            for v, flag in zip(
                model.trainable_variables, optimizer._excluded, strict=True
            )
            if not flag
        ]
        assert included == [model.get_layer("body").kernel.path]

    def test_excluded_weights_are_not_decayed(self):
        model = make_model()
        optimizer = self.optimizer(head_of(model))
        before = values(model.trainable_variables)
        zeros = [tf.zeros(v.shape) for v in model.trainable_variables]
        optimizer.apply(zeros, model.trainable_variables)
        moved = [
            not np.array_equal(old, new)
            for old, new in zip(
                before, values(model.trainable_variables), strict=True
            )
        ]
        assert moved == [True, False, False, False, False, False]

    def test_a_variable_that_is_not_trained_cannot_be_excluded(self):
        model = make_model()
        optimizer = self.optimizer(head_of(model))
        with pytest.raises(ValueError, match=r"head/kernel', the path of 0"):
            optimizer.build(model.get_layer("body").trainable_variables)

    def test_a_round_trip_through_the_keras_config(self):
        model = make_model()
        schedule = schedules.WarmupCosine(0.3, warmup_steps=1, total_steps=9)
        optimizer = self.optimizer(head_of(model), schedule)
        config = keras.optimizers.serialize(optimizer)
        again = keras.optimizers.deserialize(json.loads(json.dumps(config)))
        assert type(again) is type(optimizer)
        assert again.get_config() == optimizer.get_config()
        of_keras = keras.optimizers.Optimizer(0.1).get_config()
        assert set(again.get_config()) == {
            *self.settings, "exclude", *of_keras
        }  # fmt: skip
        again.build(model.trainable_variables)
        optimizer.build(model.trainable_variables)
        assert again._excluded == optimizer._excluded

    @pytest.mark.parametrize("arguments", BASE_ARGUMENTS, ids=str)
    def test_arguments_of_every_optimizer(self, arguments):
        """The same effect as on an optimiser of Keras' own, and a config."""
        rng = np.random.default_rng(2)
        start = rng.standard_normal([2, 3]).astype("float32")
        weights = []
        for make in (self.plain, self.of_keras):
            optimizer = make(**arguments)
            rng = np.random.default_rng(3)
            weight = keras.Variable(start, name="weight")
            for _ in range(2 * NUM_STEPS):
                gradient = rng.standard_normal(start.shape).astype("float32")
                optimizer.apply([gradient], [weight])
            if optimizer.use_ema:
                optimizer.finalize_variable_values([weight])
            weights.append(weight.numpy())
        assert_close(weights[0], weights[1], rtol=SAME_AS_KERAS)
        ours = self.plain(**arguments)
        again = keras.optimizers.deserialize(keras.optimizers.serialize(ours))
        assert again.get_config() == ours.get_config()
        assert arguments.items() <= again.get_config().items()

    def test_other_arguments_are_refused(self):
        with pytest.raises(ValueError, match=r"not recognized: .*clip_norm"):
            self.optimizer_with(clip_norm=1.0)

    def test_weight_decay_is_not_keras_own(self):
        """Which would shrink the weights beside the update."""
        optimizer = self.optimizer()
        config = optimizer.get_config()
        assert config["weight_decay"] == self.settings["weight_decay"]
        assert optimizer.weight_decay is None

    def test_the_schedule_is_followed(self):
        schedule = schedules.WarmupCosine(0.3, warmup_steps=2, total_steps=4)
        model = make_model()
        optimizer = self.optimizer(learning_rate=schedule)
        before = values(model.trainable_variables)
        ones = [tf.ones(v.shape) for v in model.trainable_variables]
        optimizer.apply(ones, model.trainable_variables)  # rate 0
        for old, new in zip(
            before, values(model.trainable_variables), strict=True
        ):
            np.testing.assert_array_equal(old, new)
        assert float(optimizer.learning_rate) == pytest.approx(0.15)

    def test_a_checkpoint_holds_every_slot(self, tmp_path):
        strategy = tf.distribute.get_strategy()
        _, trained = train(strategy, self.optimizer)
        path = tf.train.Checkpoint(optimizer=trained).save(tmp_path / "c")
        model = make_model()
        fresh = self.optimizer(head_of(model))
        fresh.build(model.trainable_variables)
        restored = tf.train.Checkpoint(optimizer=fresh)
        restored.restore(path).assert_existing_objects_matched()
        num_weights = len(model.trainable_variables)
        num_counters = len(keras.optimizers.SGD(0.1).variables)
        expected = num_counters + self.num_slots * num_weights
        assert len(fresh.variables) == expected
        for old, new in zip(trained.variables, fresh.variables, strict=True):
            np.testing.assert_array_equal(old.numpy(), new.numpy())

    def test_only_a_new_build_takes_new_variables(self):
        model = make_model()
        optimizer = self.optimizer()
        optimizer.build(model.trainable_variables)
        num_variables = len(optimizer.variables)
        optimizer.build(model.trainable_variables)
        assert len(optimizer.variables) == num_variables
