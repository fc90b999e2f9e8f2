"""What a run says it will do before it does it."""

import numpy as np
from absl import logging

from simclr_tf import cpu, distribution
from simclr_tf.config import derived
from simclr_tf.models import norm
from simclr_tf.optim import schedules
from simclr_tf.setup import networks


def show(opened):
    """Logs a `training_run.Run` in a few aligned lines."""
    for name, text in lines(opened).items():
        logging.info("%-10s %s", name, text)


def lines(opened):
    """The announcement of a `training_run.Run` as a dict of topic -> line."""
    config, plan, recipe = opened.config, opened.plan, opened.recipe
    batch = config.train_batch_size
    peak = schedules.scaled_learning_rate(
        config.learning_rate,
        batch_size=batch,
        scaling=config.learning_rate_scaling,
    )
    return {
        "data": _data(opened),
        "model": _model(config, opened.state.model),
        "batch": (
            f"{batch} images on {_devices(opened.strategy)}; "
            f"{recipe.describe_batch(config)}"
        ),
        "optimizer": (
            f"{_optimizer(config)}, peak learning rate {peak:.6g} "
            f"({config.learning_rate:g} x {_rule(config)}), weight decay "
            f"{config.weight_decay:g}"
        ),
        "steps": (
            f"{plan.total_steps}, warm-up {plan.warmup_steps}, checkpoint "
            f"every {plan.checkpoint_steps}{_apart(config)}{_again(plan)}"
        ),
        "loss": recipe.describe_loss(config, plan),
        "cpu": cpu.describe(cpu.record()),
        "precision": _precision(config, opened.strategy),
        "model_dir": config.model_dir,
    }


def _optimizer(config):
    """As papers write it: LARS, LAMB, Adam, momentum."""
    written = {"lars": "LARS", "lamb": "LAMB", "adam": "Adam"}
    return written.get(config.optimizer, config.optimizer)


def _apart(config):
    is_set = derived.is_checkpoint_cadence_set(config)
    return "" if is_set else ", at least half a minute apart"


def _again(plan):
    """Where an extended run began its last schedule, or ""."""
    if not plan.starts:
        return ""
    return f"; a new schedule began at step {plan.starts[-1]}"


def _data(opened):
    source = opened.source
    labels = opened.recipe.describe_labels(source, opened.plan)
    said = (
        f"{source.name} {source.split}: {source.num_examples} images, {labels}"
    )
    return "; ".join((said, *source.notes))


def _devices(strategy):
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return "one device"
    return f"{replicas} replicas, {type(strategy).__name__}"


def _precision(config, strategy):
    is_gpu = distribution.device_type(strategy) == "GPU"
    if not (is_gpu and distribution.has_tf32()):
        return config.precision
    state = "on" if config.tf32 else "off"
    return f"{config.precision}, TF32 {state} outside the loss"


def _model(config, model):
    parameters, encoder = _num_parameters(model), _num_parameters(model.encoder)
    return (
        f"ResNet-{config.resnet_depth} width {config.width_multiplier:g}, "
        f"{networks.stem_of(config)} stem at {config.image_size} px, "
        f"{encoder:,} parameters ({parameters:,} with heads)"
    )


def _num_parameters(model):
    """All but the moving statistics, frozen ones too."""
    statistics = {id(variable) for variable in norm.statistics_of(model)}
    counted = [v for v in model.weights if id(v) not in statistics]
    return sum(int(np.prod(variable.shape)) for variable in counted)


def _rule(config):
    if config.learning_rate_scaling == "linear":
        return f"{config.train_batch_size}/256"
    return f"sqrt({config.train_batch_size})"
