"""A tiny network on the digits, for Keras and for the command line alike."""

import keras

import simclr_tf
from simclr_tf.data import digits
from simclr_tf.optim import schedules
from simclr_tf.setup import networks

BATCH, STEPS, SEED = 32, 4, 3
FLAGS = {
    "dataset": "digits",
    "eval_split": "test",
    "image_size": 8,
    "resnet_depth": 10,
    "width_multiplier": 1 / 8,
    "proj_out_dim": 8,
    "train_batch_size": BATCH,
    "train_steps": STEPS,
    "warmup_epochs": 0,
    "learning_rate": 0.3,
    "weight_decay": 1e-3,
    "temperature": 0.2,
    "seed": SEED,
    "jit": "off",
}


def source():
    return digits.open_digits("train")


def make_model(strategy=None, **changes):
    """The network of the command line, compiled as it trains it."""
    config = simclr_tf.Config(model_dir="d", **FLAGS | changes)
    if strategy is None:
        return compiled(config)
    with strategy.scope():
        return compiled(config)


def compiled(config):
    model = networks.make_model(config, num_classes=10, sync_bn=True)
    model.build_on(config.image_size)
    model.compile(
        optimizer=simclr_tf.LARS(
            schedules.WarmupCosine(
                config.learning_rate * BATCH / 256,
                warmup_steps=0,
                total_steps=STEPS,
            ),
            weight_decay=config.weight_decay,
        ),
        temperature=config.temperature,
        views=simclr_tf.RandomViews(config.image_size),
        seed=config.seed,
        jit_compile=False,
    )
    return model


def small_model(num_classes=None, **compile_options):
    """A network of few weights, compiled with SGD."""
    keras.utils.set_random_seed(0)
    model = simclr_tf.SimCLR(
        simclr_tf.ResNet(10, width=1 / 16, stem="cifar"),
        num_proj_layers=2,
        proj_out_dim=4,
        num_classes=num_classes,
    )
    options = {"optimizer": keras.optimizers.SGD(0.05), "jit_compile": False}
    model.compile(**options | compile_options)
    return model
