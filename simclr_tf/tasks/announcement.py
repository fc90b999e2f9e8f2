"""What a run says it will do before it does it."""

import numpy as np
from absl import logging

from simclr_tf import distribution
from simclr_tf.losses import ntxent
from simclr_tf.optim import schedules
from simclr_tf.tasks import components


def show(config, source, plan, model, strategy):
    """Logs the run in a few aligned lines.

    Args:
        config: a `Config`.
        source: the training `Source`.
        plan: a `pretrain.Plan`.
        model: the built model.
        strategy: the `tf.distribute` strategy.
    """
    for name, text in lines(config, source, plan, model, strategy).items():
        logging.info("%-10s %s", name, text)


def lines(config, source, plan, model, strategy):
    """The announcement as a dict of topic -> line."""
    batch = config.train_batch_size
    peak = schedules.scaled_learning_rate(
        config.learning_rate,
        batch_size=batch,
        scaling=config.learning_rate_scaling,
    )
    return {
        "data": _data(config, source, plan),
        "model": _model(config, model),
        "batch": (
            f"{batch} images = {2 * batch} views on {_devices(strategy)}"
            f"{_microbatches(config)}; each view against {2 * batch - 2} "
            f"negatives"
        ),
        "rate": (
            f"{config.optimizer}, learning rate {peak:.6g} = "
            f"{config.learning_rate:g} x {_rule(config)}, weight decay "
            f"{config.weight_decay:g}"
        ),
        "steps": (
            f"{plan.total_steps}, warm-up {plan.warmup_steps}, checkpoint "
            f"every {plan.checkpoint_steps}"
        ),
        "loss": (
            f"NT-Xent, temperature {config.temperature:g}; at chance "
            f"{ntxent.chance_loss(batch):.4f} = 2 log(2N-1)"
        ),
        "precision": _precision(config, strategy),
        "model_dir": config.model_dir,
    }


def _data(config, source, plan):
    probe = f"{plan.num_classes} classes, online linear probe on"
    if source.num_classes is None:
        probe = "no labels, so the online linear probe is off"
    elif plan.num_classes is None:
        probe = f"{source.num_classes} classes, online linear probe off"
    return (
        f"{config.dataset} {config.train_split}: {source.num_examples} "
        f"images, {probe}"
    )


def _microbatches(config):
    if not config.microbatch_size:
        return ""
    return f", {config.microbatch_size} images at a time"


def _devices(strategy):
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return "one device"
    return f"{replicas} replicas, {type(strategy).__name__}"


def _precision(config, strategy):
    state = "on" if config.tf32 else "off"
    is_gpu = distribution.device_type(strategy) == "GPU"
    where = "outside the loss" if is_gpu else "(of GPUs alone)"
    return f"{config.precision}, TF32 {state} {where}"


def _model(config, model):
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    encoder = sum(
        int(np.prod(v.shape)) for v in model.encoder.trainable_variables
    )
    return (
        f"ResNet-{config.resnet_depth} width {config.width_multiplier:g}, "
        f"{components.stem_of(config)} stem at {config.image_size} px, "
        f"{encoder:,} parameters ({parameters:,} with heads)"
    )


def _rule(config):
    if config.learning_rate_scaling == "linear":
        return f"{config.train_batch_size} / 256"
    return f"sqrt({config.train_batch_size})"
