"""From a `Config` to the network, its optimizer and its schedule."""

import functools

import tensorflow as tf

from simclr_tf.checkpoints import state
from simclr_tf.keras_api import model as keras_model
from simclr_tf.models import initial_weights, resnet
from simclr_tf.optim import optimizers, schedules
from simclr_tf.training import frozen_blocks

DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
CIFAR_STEM_MAX_PX = 32
"""The stem without stride serves images up to this side (official)."""


def stem_of(config):
    """The stem that `--stem` names, "auto" being decided by image size."""
    if config.stem != "auto":
        return config.stem
    return "cifar" if config.image_size <= CIFAR_STEM_MAX_PX else "imagenet"


def make_model(config, *, num_classes, sync_bn):
    """The network of a configuration, built, its weights drawn from `seed`.

    The gradient of the supervised head goes into the encoder when the head is
    what is trained, and stays out of it beside pretraining.

    Args:
        config: a `Config`.
        num_classes: of the online probe, or None for no probe.
        sync_bn: batch statistics over all replicas; exports have none.
    """
    with initial_weights.drawn_from(config.seed):
        model = _unbuilt(config, num_classes, sync_bn)
        return model.build_on(config.image_size)


def _unbuilt(config, num_classes, sync_bn):
    dtype = DTYPES[config.precision]
    encoder = resnet.ResNet(
        config.resnet_depth,
        width=config.width_multiplier,
        sk_ratio=config.sk_ratio,
        se_ratio=config.se_ratio,
        stem=stem_of(config),
        bn_momentum=config.batch_norm_decay,
        sync_bn=sync_bn,
        fused_bn=config.fused_bn,
        remat=config.remat,
        dtype=dtype,
        name="resnet",
    )
    return keras_model.SimCLR(
        encoder,
        proj_head_mode=config.proj_head_mode,
        num_proj_layers=config.num_proj_layers,
        proj_out_dim=config.proj_out_dim,
        ft_proj_selector=config.ft_proj_selector,
        num_classes=num_classes,
        probe_stop_gradient=config.train_mode == "pretrain",
        bn_momentum=config.batch_norm_decay,
        sync_bn=sync_bn,
        fused_bn=config.fused_bn,
        dtype=dtype,
        name="simclr",
    )


def make_eval_model(config, *, num_classes):
    """As `make_model`, for one device: no synchronised batch norm."""
    return make_model(config, num_classes=num_classes, sync_bn=False)


def make_train_state(
    config, *, num_classes, total_steps, warmup_steps, starts=()
):
    """Model and optimizer, built; call inside the strategy's scope."""
    model = make_model(
        config, num_classes=num_classes, sync_bn=config.global_bn
    )
    if config.fine_tune_after_block != frozen_blocks.EVERYTHING:
        frozen_blocks.freeze(model, config.fine_tune_after_block)
    schedule = make_schedule(
        config,
        total_steps=total_steps,
        warmup_steps=warmup_steps,
        starts=starts,
    )
    optimizer = optimizers.make_optimizer(
        config.optimizer,
        schedule,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        exclude=model.supervised_variables,
        lars_eta=config.lars_eta,
    )
    return state.make_state(model, optimizer, image_size=config.image_size)


def make_schedule(config, *, total_steps, warmup_steps, starts=()):
    """Warm-up and cosine to 0 from the scaled rate, perhaps several times."""
    peak = schedules.scaled_learning_rate(
        config.learning_rate,
        batch_size=config.train_batch_size,
        scaling=config.learning_rate_scaling,
    )
    steps = {"warmup_steps": warmup_steps, "total_steps": total_steps}
    if starts:
        return schedules.ExtendedCosine(peak, starts=starts, **steps)
    return schedules.WarmupCosine(peak, **steps)


def l2_loss_variables(config, model):
    """What the L2 loss covers, see `SimCLR.l2_loss_variables`."""
    return model.l2_loss_variables(
        optimizer_decays=config.optimizer in optimizers.DECAYING_NAMES
    )


def encoder_function(model, *, head=False):
    """A graph function from images to features, or to logits.

    Args:
        model: a built `SimCLR`.
        head: return the probe's logits beside the features.
    """
    call = functools.partial(model, training=False)

    @tf.function(reduce_retracing=True)
    def encode(images):
        outputs = call(images)
        return (outputs.features, outputs.logits) if head else outputs.features

    return encode
