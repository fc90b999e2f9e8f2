"""The whole training step, views included, as a fraction of the roofline.

    python -m simclr_tf.benchmarks.step --variants=plain,official

FLOPs are 6 x multiply-adds per view (forward and backward of convolutions and
matrix products, and nothing else). The roofline is measured by turns with the
step, as `benchmarks.roofline` does. `official` is the baseline of the ratios:
the official arithmetic of batch norm (moments as E[x^2] - E[x]^2, operation by
operation) on views made image by image in tf.data, see official_order.py.
"""

import functools
import operator

import tensorflow as tf

from simclr_tf.benchmarks import (
    budget,
    measurement,
    official_order,
    roofline,
)
from simclr_tf.checkpoints import state
from simclr_tf.models import resnet, simclr
from simclr_tf.optim import lars
from simclr_tf.planning import products
from simclr_tf.training import batch_views, compilation, microbatch, steps

OFFICIAL = "official"
VARIANTS = {
    "plain": {},
    OFFICIAL: {"fused_bn": False, "one_by_one": True},
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
        "--variants",
        default=f"plain,{OFFICIAL}",
        help="out of " + ",".join(VARIANTS),
    )
    options = parser.parse_args(arguments)
    precisions = roofline.precisions_of(options)
    shares = budget.Budget(options, parts=len(precisions))
    for precision in precisions:
        measure(precision, options, shares)


def measure(precision, options, shares):
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
        shares,
        precision,
    )
    best = max(
        measurement.summary([flops / each for each in secs[name]])["median"]
        for name, (_, flops) in convs.items()
    )
    took = {name: measurement.summary(secs[name]) for name in names}
    for name in names:
        rate = step_flops / took[name]["median"]
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
                "secs": took[name],
                "images_per_sec": options.batch / took[name]["median"],
                "gflops_per_sec": rate * 1e-9,
                "roofline_gflops_per_sec": best * 1e-9,
                "ratio_to_roofline": rate / best,
                **_ratio_to_official(took, name),
            },
            output=options.output,
        )


def _ratio_to_official(took, name):
    """How many times as many images as the official arithmetic, if known."""
    if OFFICIAL not in took:
        return {}
    ratio = took[OFFICIAL]["median"] / took[name]["median"]
    return {"images_ratio_to_official": ratio}


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


def make_call(
    run, options, *, num_microbatches=1, jit=False, one_by_one=False, **_
):
    """A zero-argument callable that takes one step on uint8 images.

    Args:
        run: of `make_state`.
        options: of the command line.
        num_microbatches: a divisor of the batch.
        jit: whether XLA compiles the step.
        one_by_one: whether views are made image by image on the host.
    """
    images = make_batch(options)
    views_of = batch_views.make_two_views(
        seed=0, image_size=options.image_size, recipe=RECIPE
    )
    next_batch = functools.partial(dict, images)
    if one_by_one:
        next_batch = functools.partial(next, official_batches(images, options))
        views_of = operator.itemgetter("views")
    settings = {"views_of": views_of}
    step = steps.PretrainStep(run, **settings)
    if num_microbatches > 1:
        size = options.batch // num_microbatches
        step = microbatch.MicrobatchedPretrainStep(
            run, microbatch_size=size, **settings
        )
    call = tf.function(compilation.compiled(step, is_compiled=jit))
    return functools.partial(_take, call, next_batch)


def official_batches(images, options):
    """Yields batches with views made image by image, in the official order.

    None is made ahead, or it would be made while something else is timed.

    Args:
        images: of `make_batch`.
        options: of the command line.
    """

    def make(example):
        return example | {
            "views": official_order.two_views(
                example["images"],
                example["positions"],
                image_size=options.image_size,
                strength=RECIPE["strength"],
            )
        }

    def finish(batch):
        first, second = tf.unstack(batch["views"], axis=1)
        return batch | {"views": tf.concat([first, second], axis=0)}

    examples = tf.data.Dataset.from_tensor_slices(images).repeat()
    made = examples.map(make, num_parallel_calls=tf.data.AUTOTUNE)
    batches = made.batch(options.batch, drop_remainder=True).map(finish)
    return iter(batches)


def make_batch(options):
    """Noise for images; what they show costs no time."""
    shape = [options.batch, options.image_size, options.image_size, 3]
    images = tf.random.stateless_uniform(shape, [1, 2], 0, 256, tf.int32)
    return {
        "images": tf.cast(images, tf.uint8),
        "positions": tf.range(options.batch, dtype=tf.int64),
        "labels": tf.range(options.batch) % NUM_CLASSES,
    }


def _take(call, next_batch):
    return float(call(next_batch())["total_loss"])


if __name__ == "__main__":
    main()
