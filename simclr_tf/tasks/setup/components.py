"""From a `Config` to the parts of a run."""

import functools

import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.checkpoints import state
from simclr_tf.data import catalog, labelled, pipeline, sources, unreadable
from simclr_tf.keras_api import model as keras_model
from simclr_tf.models import initial_weights, resnet
from simclr_tf.optim import optimizers, schedules
from simclr_tf.training import frozen_blocks

DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
CIFAR_STEM_MAX_PX = 32
"""The stem without stride serves images up to this side (official)."""


def open_source(config, field):
    """Opens one split of the configured data set.

    Args:
        config: a `Config`.
        field: "train_split", or another that names a split.

    Raises:
        errors.UserError: naming the field, if there is no such split; or if
            the data set cannot be opened.
    """
    with errors.renamed("split", field):
        return _open(config, config.dataset, getattr(config, field))


def _open(config, dataset, split, *, multi_label=False):
    source = catalog.open_source(
        dataset,
        split,
        data_dir=config.data_dir,
        download=config.download,
        memory_limit_mb=config.memory_limit_mb,
        max_image_pixels=config.max_image_pixels,
        check_images=config.check_images,
        multi_label=multi_label,
    )
    return sources.cached(source) if config.cache_dataset else source


def open_transfer(config, each, split):
    """Opens one split of a data set of the transfer protocol.

    Args:
        config: a `Config`, whose own data set plays no part.
        each: a `transfer_sets.TransferSet`.
        split: one of its splits.

    Raises:
        errors.UserError: if it cannot be opened or has no labels.
    """
    source = _open(config, each.dataset, split, multi_label=each.is_multi_label)
    check_labelled(source, each.name)
    return source


def open_labelled(config, field):
    """As `open_source`, refusing a split in which no image has a label.

    Args:
        config: a `Config`.
        field: "train_split" or "eval_split".

    Raises:
        errors.UserError: if there is none.
    """
    source = open_source(config, field)
    check_labelled(source, field)
    return source


def check_labelled(source, field):
    """Raises `UserError` if the source opened for a field has no labels."""
    if labelled.count(source) == 0:
        raise errors.UserError(
            f"{field} must have labels; {source.has_no_labels()}"
        )
    if source.num_classes < 2:
        raise errors.UserError(
            f"{field} must have two classes or more; {source.name!r} split "
            f"{source.split!r} has one"
        )


def make_strategy(config):
    """The `tf.distribute` strategy asked for, or what the hardware offers."""
    tpu = None
    if config.use_tpu:
        tpu = distribution.TpuAddress(
            config.tpu_name, config.tpu_zone, config.gcp_project
        )
    return distribution.make_strategy(tpu=tpu, num_replicas=config.num_replicas)


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


def finetune_recipe(config):
    """Keyword arguments of `views.sample_crop_flip`."""
    return {
        "crop_area": (config.crop_min_area, 1.0),
        "flip_prob": 0.5 if config.use_flip else 0.0,
    }


def view_recipe(config):
    """Keyword arguments of `views.sample_views` for pretraining."""
    return {
        "strength": config.color_jitter_strength,
        "jitter_impl": config.color_jitter_impl,
        "crop_area": (config.crop_min_area, 1.0),
        "flip_prob": 0.5 if config.use_flip else 0.0,
        "blur_prob": 0.5 if config.use_blur else 0.0,
    }


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


def eval_batches(config, source, **recipe):
    """Yields a split in order, once, padded and masked to full batches.

    Args:
        config: a `Config`.
        source: any `Source`.
        **recipe: further arguments of `views.eval_images`.

    Raises:
        errors.UserError: naming the first image that cannot be read.
    """
    max_pixels = config.max_image_pixels
    with unreadable.named(source, max_pixels=max_pixels):
        yield from pipeline.eval_dataset(
            source,
            batch_size=config.eval_batch_size,
            image_size=config.image_size,
            max_image_pixels=max_pixels,
            **recipe,
        )
