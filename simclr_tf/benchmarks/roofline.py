"""The machine's own rates: convolutions at a network's shapes, and products.

    python -m simclr_tf.benchmarks.roofline --resnet_depth=18 --image_size=32

The roofline is the best forward rate among the 3x3 convolutions of stride 1
that the network itself makes, in its dtype and batch.
"""

import functools
import sys

import tensorflow as tf

from simclr_tf import distribution
from simclr_tf.benchmarks import budget, measurement
from simclr_tf.models import resnet
from simclr_tf.planning import products

MATMUL_SIDE = 2048
DTYPES = {"float32": tf.float32, "bfloat16": tf.bfloat16}


def main(arguments=None):
    """Measures every shape in every dtype; see the module."""
    parser = measurement.parser(__doc__)
    add_network_arguments(parser)
    options = parser.parse_args(arguments)
    precisions = precisions_of(options)
    shares = budget.Budget(options, parts=len(precisions))
    for precision in precisions:
        measure(precision, options, shares)


def add_network_arguments(parser):
    """The arguments that say which network, batch and dtypes."""
    parser.add_argument("--resnet_depth", type=int, default=18)
    parser.add_argument("--width_multiplier", type=float, default=1.0)
    parser.add_argument("--image_size", type=int, default=32, help="px")
    parser.add_argument("--batch", type=int, default=256, help="images")
    parser.add_argument(
        "--precisions",
        help="out of float32,bfloat16; default: bfloat16 where it is native",
    )


def precisions_of(options):
    """Those asked for, or those in which the device multiplies natively."""
    if options.precisions:
        return options.precisions.split(",")
    if distribution.multiplies_bfloat16():
        return list(DTYPES)
    print(
        "bfloat16 is left out, as this device does not multiply it natively; "
        "--precisions=bfloat16 measures it",
        file=sys.stderr,
    )
    return ["float32"]


def measure(precision, options, shares):
    """Reports each convolution of the network, and a square product."""
    calls = {
        "matmul": make_matmul(precision),
        **conv_calls(precision, options),
    }
    secs = measurement.interleaved_secs(
        {name: call for name, (call, _) in calls.items()},
        shares,
        precision,
    )
    rates = {
        name: measurement.summary([flops / each for each in secs[name]])
        for name, (_, flops) in calls.items()
    }
    best = max(rates[name]["median"] for name in rates if name != "matmul")
    for name, rate in rates.items():
        measurement.report(
            "roofline",
            {"operation": name, "precision": precision, "batch": options.batch},
            {
                "gflops_per_sec": _scaled(rate, 1e-9),
                "ratio_to_best_convolution": rate["median"] / best,
            },
            output=options.output,
        )


def conv_calls(precision, options):
    """The network's distinct 3x3 convolutions of stride 1.

    Args:
        precision: a key of `DTYPES`.
        options: with the attributes of `add_network_arguments`.

    Returns:
        dict of name -> (zero-argument callable, its FLOPs).
    """
    network = resnet.ResNet(
        options.resnet_depth,
        width=options.width_multiplier,
        stem="cifar" if options.image_size <= 32 else "imagenet",
    )
    found = products.products_of(network, image_size=options.image_size)
    return {
        _name(product): make_conv(product, precision, rows=2 * options.batch)
        for product in dict.fromkeys(found)
        if product.kernel_shape[:2] == (3, 3)
        and product.strides == 1
        and product.kernel_shape[2] > 3
    }


def make_conv(product, precision, *, rows):
    """A zero-argument callable that runs a `Product` on rows, and its FLOPs."""
    dtype = DTYPES[precision]
    images = _numbers([rows, *product.input_shape], dtype)
    kernel = _numbers(product.kernel_shape, dtype)
    run = tf.function(
        functools.partial(
            tf.nn.conv2d, strides=product.strides, padding=product.padding
        )
    )
    flops = products.FLOPS_PER_MULTIPLY_ADD * product.multiply_adds * rows
    return lambda: _wait(run(images, kernel)), flops


def make_matmul(precision):
    """A square matrix product, and its FLOPs."""
    matrix = _numbers([MATMUL_SIDE, MATMUL_SIDE], DTYPES[precision])
    run = tf.function(tf.matmul)
    flops = products.FLOPS_PER_MULTIPLY_ADD * MATMUL_SIDE**3
    return lambda: _wait(run(matrix, matrix)), flops


def _name(product):
    size, channels = product.input_shape[0], product.kernel_shape[2:]
    return f"3x3 {channels[0]}->{channels[1]} at {size} px"


def _numbers(shape, dtype):
    drawn = tf.random.stateless_uniform(shape, [1, 2], -1.0, 1.0)
    return tf.cast(drawn, dtype)


def _wait(tensor):
    """Reads one element, so that asynchronous devices have finished."""
    return tf.reshape(tensor, [-1])[0].numpy()


def _scaled(summary, factor):
    return {
        name: value if name == "n" else value * factor
        for name, value in summary.items()
    }


if __name__ == "__main__":
    main()
