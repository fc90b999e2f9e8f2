"""The whole training step, views included, as a fraction of the roofline.

    python -m simclr_tf.benchmarks.step --variants=plain,unfused

FLOPs are 6 x multiply-adds per view (forward and backward of convolutions and
matrix products, and nothing else). The roofline is measured by turns with the
step, as `benchmarks.roofline` does.
"""

import functools

import tensorflow as tf

from simclr_tf.benchmarks import measurement, roofline
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import lars
from simclr_tf.planning import products
from simclr_tf.training import (
    batch_views,
    compilation,
    microbatch,
    state,
    steps,
)

VARIANTS = {
    "plain": {},
    "unfused": {"fused_bn": False},
    "remat": {"remat": True},
    "microbatches": {"num_microbatches": 4},
    "jit": {"jit": True},
}
DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
RECIPE = {
    "strength": 0.5,
    "jitter_impl": "v2",
    "crop_area": (0.08, 1.0),
    "flip_prob": 0.5,
    "blur_prob": 0.0,
}
"""The views of CIFAR-10. Source: Chen et al. 2020a, appendix B.9."""
NUM_CLASSES = 10


def main(arguments=None):
    """Measures every variant in every dtype; see the module."""
    parser = measurement.parser(__doc__)
    roofline.add_network_arguments(parser)
    parser.add_argument(
        "--variants", default="plain", help="out of " + ",".join(VARIANTS)
    )
    options = parser.parse_args(arguments)
    for precision in options.precisions.split(","):
        measure(precision, options)


def measure(precision, options):
    """Reports each variant of the step beside the roofline of its dtype."""
    names = options.variants.split(",")
    convs = roofline.conv_calls(precision, options)
    step_flops, calls = 0, {}
    for name in names:
        run = make_state(precision, options, **VARIANTS[name])
        calls[name] = make_call(run, options, **VARIANTS[name])
        step_flops = (
            2
            * options.batch
            * products.training_flops(run.model, image_size=options.image_size)
        )
    secs = measurement.interleaved_secs(
        {name: call for name, (call, _) in convs.items()} | calls,
        repeats=options.repeats,
    )
    best = max(
        measurement.summary([flops / each for each in secs[name]])["median"]
        for name, (_, flops) in convs.items()
    )
    for name in names:
        took = measurement.summary(secs[name])
        rate = step_flops / took["median"]
        measurement.report(
            "step",
            {
                "variant": name,
                "precision": precision,
                "resnet_depth": options.resnet_depth,
                "width_multiplier": options.width_multiplier,
                "image_size": options.image_size,
                "batch": options.batch,
            },
            {
                "secs": took,
                "images_per_sec": options.batch / took["median"],
                "gflops_per_sec": rate * 1e-9,
                "roofline_gflops_per_sec": best * 1e-9,
                "ratio_to_roofline": rate / best,
            },
            output=options.output,
        )


def make_state(precision, options, *, fused_bn=True, remat=False, **_):
    """Model with a probe, and LARS, as pretraining has them."""
    encoder = resnet.ResNet(
        options.resnet_depth,
        width=options.width_multiplier,
        stem="cifar" if options.image_size <= 32 else "imagenet",
        fused_bn=fused_bn,
        remat=remat,
        dtype=DTYPES[precision],
    )
    model = simclr.SimCLR(encoder, num_classes=NUM_CLASSES, fused_bn=fused_bn)
    model.build_on(options.image_size)
    optimizer = lars.LARS(
        0.1, weight_decay=1e-6, exclude=model.supervised_variables
    )
    return state.make_state(model, optimizer, image_size=options.image_size)


def make_call(run, options, *, num_microbatches=1, jit=False, **_):
    """A function of nothing that takes one step on the same uint8 images."""
    settings = {
        "views_of": batch_views.make_two_views(
            seed=0, image_size=options.image_size, recipe=RECIPE
        )
    }
    step = steps.PretrainStep(run, **settings)
    if num_microbatches > 1:
        size = options.batch // num_microbatches
        step = microbatch.MicrobatchedPretrainStep(
            run, microbatch_size=size, **settings
        )
    call = tf.function(compilation.compiled(step, is_compiled=jit))
    return functools.partial(_take, call, make_batch(options))


def make_batch(options):
    """Noise for images; what they show costs no time."""
    shape = [options.batch, options.image_size, options.image_size, 3]
    images = tf.random.stateless_uniform(shape, [1, 2], 0, 256, tf.int32)
    return {
        "images": tf.cast(images, tf.uint8),
        "positions": tf.range(options.batch, dtype=tf.int64),
        "labels": tf.range(options.batch) % NUM_CLASSES,
    }


def _take(call, batch):
    return float(call(batch)["total_loss"])


if __name__ == "__main__":
    main()
