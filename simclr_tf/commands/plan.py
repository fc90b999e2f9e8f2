"""`--mode=plan`: what training would cost, and how it fits the machine.

Nothing is written to disk.
"""

import functools
import math

from simclr_tf import errors
from simclr_tf.commands import plan_advice, plan_probe, plan_text
from simclr_tf.losses import ntxent_streaming
from simclr_tf.methods import (
    announcement,
    distill,
    finetune,
    pretrain,
    training_run,
)
from simclr_tf.planning import activations, machine, memory, products
from simclr_tf.setup import devices, given_checkpoint, networks
from simclr_tf.training import console

# Source: Russakovsky et al. 2015, "ImageNet Large Scale Visual Recognition
# Challenge", Table 2 (1,281,167 training images, 1000 classes).
PUBLISHED_SIZES = {("imagenet2012", "train"): (1_281_167, 1000)}
_RECIPES = {
    "pretrain": pretrain.Pretraining,
    "finetune": finetune.Finetuning,
    "distill": distill.Distillation,
}


def run(config):
    """Prints the plan of a run, with a few training steps in each precision.

    Work and memory are estimated of pretraining alone; other trainings are
    announced and timed.

    Args:
        config: a `Config`; `model_dir` may be None.

    Raises:
        errors.UserError: if the configuration and the data do not fit, or
            the data set cannot be opened and is not a known one.
    """
    config = given_checkpoint.adopt_architecture(config)
    strategy = devices.make_strategy(config)
    num_replicas = strategy.num_replicas_in_sync
    base = machine.base_bytes(num_replicas)
    available = machine.memory_per_replica(num_replicas)
    recipe = _RECIPES[config.train_mode]()
    source = open_source(config, recipe)
    plan = recipe.make_plan(config, source, num_replicas)
    with strategy.scope():
        state = recipe.make_state(config, plan)
    opened = training_run.Run(config, recipe, strategy, source, plan, state)
    said = announcement.lines(opened)
    _show(plan_text.told(said, source, config))
    shape = shape_of(config, state, num_replicas=num_replicas)
    load = load_of(config, num_replicas)
    flops = step_flops(config, state.model)
    spare = None if available is None else available - base
    if config.train_mode == "pretrain":
        _show(plan_text.cost_lines(config, shape, load, flops))
        _show(
            plan_text.memory_lines(shape, load, base=base, available=available)
        )
        shapes = _shapes(config, shape, num_replicas)
        _show(plan_advice.lines(config, shapes, load, memory_bytes=spare))
    else:
        _show({"memory": f"not estimated for train_mode={config.train_mode}"})
    # Of other trainings these are upper bounds: they see one view.
    probed = probe_config(config, shape, load, flops=flops, spare=spare)
    made_up = isinstance(source, plan_text.Assumed)
    opened = opened._replace(config=probed, source=None if made_up else source)
    timing = plan_probe.time_steps(opened)
    _show(plan_text.time_lines(config, source, plan, timing))
    _show(
        plan_text.precision_lines(config, timing, plan_probe.time_other(opened))
    )


def open_source(config, recipe):
    """The training source, or the published size of one that is not here.

    Args:
        config: a `Config`.
        recipe: a `recipe.Recipe`. Only pretraining makes up images.

    Raises:
        errors.UserError: as the recipe's `open_source`.
    """
    try:
        return recipe.open_source(
            config.replace(download=False, cache_dataset=False)
        )
    except errors.UserError:
        key = config.dataset, config.train_split
        if config.train_mode != "pretrain" or key not in PUBLISHED_SIZES:
            raise
        return plan_text.Assumed(*key, *PUBLISHED_SIZES[key])


def shape_of(config, state, *, num_replicas=1):
    """The `memory.Shape` of a configuration's built model and optimizer."""
    model = state.model
    return memory.Shape(
        parameters=_size(model.trainable_variables),
        statistics=_size(model.non_trainable_variables),
        slots=_size(state.optimizer.variables),
        activations=activations_of(config, num_replicas=num_replicas),
        image_size=config.image_size,
        width=memory.projection_width(model),
        precision=config.precision,
    )


def activations_of(config, *, num_replicas=1):
    """`activations.Activations` of a configuration, on one of its replicas."""
    # Synchronised batch norm is not fused, and keeps more.
    is_shared = config.global_bn and num_replicas > 1
    model = networks.make_model(
        config.replace(fused_bn=config.fused_bn and not is_shared),
        num_classes=None,
        sync_bn=False,
    )
    return activations.activations_of(model, image_size=config.image_size)


def load_of(config, num_replicas):
    """The `memory.Load` of a configuration."""
    return memory.Load(
        images=config.train_batch_size,
        num_replicas=num_replicas,
        microbatch=config.microbatch_size,
        streaming=is_streaming(config, num_replicas),
        compiled=config.jit != "off",
        accelerator=machine.has_accelerator(),
    )


def is_streaming(config, num_replicas):
    """Whether the loss is the streaming one."""
    chosen = pretrain.choose_loss(config, num_replicas=num_replicas)
    return chosen is ntxent_streaming.nt_xent_streaming


def step_flops(config, model):
    """FLOPs of one training step, both views, without views and loss."""
    view = products.training_flops(model, image_size=config.image_size)
    extra = bool(config.microbatch_size) + config.remat  # forward passes
    share = 1 + extra / products.TRAINING_PASSES
    return 2 * config.train_batch_size * view * share


def probe_config(config, shape, load, *, flops, spare):
    """The configuration of the steps to be timed, of a smaller batch.

    Args:
        config: a `Config`.
        shape: its `memory.Shape`.
        load: its `memory.Load`.
        flops: of a whole step.
        spare: bytes that training may take, or None.
    """

    def scaled(images):
        half = images // load.num_replicas // 2
        held = min(load.microbatch, half)
        return load._replace(images=images, microbatch=held)

    def fits(images):
        needed = memory.estimate(shape, scaled(images)).total
        return spare is None or needed <= spare

    images = plan_probe.probe_size(
        config.train_batch_size,
        num_replicas=load.num_replicas,
        flops_per_image=flops / config.train_batch_size,
        fits=fits,
    )
    if images == config.train_batch_size:
        return config
    held = scaled(images).microbatch
    whole = images - images % (load.num_replicas * held or 1)
    return config.replace(train_batch_size=whole, microbatch_size=held)


def _shapes(config, shape, num_replicas):
    """(precision, remat) -> `memory.Shape`, tracing what is asked for."""

    @functools.cache
    def shape_of(precision, remat):
        if (precision, remat) == (config.precision, config.remat):
            return shape
        found = activations_of(
            config.replace(precision=precision, remat=remat),
            num_replicas=num_replicas,
        )
        return shape._replace(activations=found, precision=precision)

    return shape_of


def _size(variables):
    return sum(math.prod(variable.shape) for variable in variables)


def _show(lines):
    for name, text in lines.items():
        console.show(f"{name:<14} {text}")
