"""One update of each optimiser on the variables of ResNet-50 and its heads.

    python -m simclr_tf.benchmarks.optimizer --optimizers=lars,lamb,momentum

The baseline of the ratios is one step of `keras.optimizers.SGD` with Nesterov
momentum. All of them move the same variables, by turns, with the same
gradients, inside a graph function as in training.
"""

import functools

import keras
import tensorflow as tf

from simclr_tf.benchmarks import budget, measurement
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import optimizers

BASELINE = "keras_sgd"
NUM_CLASSES = 1000
IMAGE_SIZE = 64  # the variables are those of any size
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-6


def main(arguments=None):
    """Measures every optimiser; see the module."""
    parser = measurement.parser(__doc__)
    parser.add_argument("--optimizers", default=",".join(optimizers.NAMES))
    parser.add_argument("--resnet_depth", type=int, default=50)
    parser.add_argument("--width_multiplier", type=float, default=1.0)
    parser.set_defaults(repeats=15)
    measure(parser.parse_args(arguments))


def measure(options):
    """Reports each optimiser beside the baseline."""
    model = make_model(options)
    variables = model.trainable_variables
    gradients = random_like(variables)
    names = options.optimizers.split(",")
    calls = {
        name: make_call(
            make_optimizer(name, model.supervised_variables),
            gradients,
            variables,
        )
        for name in [BASELINE, *names]
    }
    secs = measurement.interleaved_secs(
        calls, budget.Budget(options), "updates"
    )
    first = measurement.summary(secs[BASELINE])["median"]
    num_parameters = sum(v.shape.num_elements() for v in gradients)
    for name in [BASELINE, *names]:
        took = measurement.summary(secs[name])
        measurement.report(
            "optimizer",
            {
                "optimizer": name,
                "resnet_depth": options.resnet_depth,
                "width_multiplier": options.width_multiplier,
                "variables": len(variables),
                "parameters": num_parameters,
            },
            {"secs": took, f"ratio_to_{BASELINE}": took["median"] / first},
            output=options.output,
        )


def make_model(options):
    """The network of pretraining with its probe, built."""
    encoder = resnet.ResNet(
        options.resnet_depth, width=options.width_multiplier
    )
    model = simclr.SimCLR(encoder, num_classes=NUM_CLASSES)
    return model.build_on(IMAGE_SIZE)


def make_optimizer(name, supervised_variables):
    """One of `optimizers.NAMES` as pretraining makes it, or the baseline."""
    if name == BASELINE:
        return keras.optimizers.SGD(LEARNING_RATE, momentum=0.9, nesterov=True)
    return optimizers.make_optimizer(
        name,
        LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        exclude=supervised_variables,
    )


def random_like(variables):
    """float32 noise for gradients, the same at every call."""
    return [
        tf.random.stateless_normal(v.shape, [index, 0], stddev=1e-3)
        for index, v in enumerate(variables)
    ]


def make_call(optimizer, gradients, variables):
    """A zero-argument callable that takes one step on all variables."""
    optimizer.build(variables)

    @tf.function
    def step(gradients):
        optimizer.apply(gradients, variables)
        return optimizer.iterations + 0

    return functools.partial(_take, step, gradients)


def _take(step, gradients):
    return int(step(gradients))


if __name__ == "__main__":
    main()
