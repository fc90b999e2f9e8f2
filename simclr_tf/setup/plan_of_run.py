"""The numbers of a run, computed once from configuration and data."""

import typing

from simclr_tf import errors
from simclr_tf.config import derived
from simclr_tf.setup import model_dir, same_data


class Plan(typing.NamedTuple):
    """The numbers of a run, computed once.

    Attributes:
        num_replicas: replicas in sync.
        total_steps: optimizer updates of the whole run.
        warmup_steps: updates of the linear warm-up.
        checkpoint_steps: updates between checkpoints.
        num_classes: of the supervised head; None without one.
        starts: steps at which an extended run began new schedules, rising.
    """

    num_replicas: int
    total_steps: int
    warmup_steps: int
    checkpoint_steps: int
    num_classes: int | None
    starts: tuple = ()


def make_plan(config, source, num_replicas):
    """Checks data against configuration and computes the run's numbers.

    Args:
        config: a `Config`.
        source: the training `Source`.
        num_replicas: replicas in sync.

    Returns:
        A `Plan`.

    Raises:
        errors.UserError: if the batch does not fit replicas or data.
    """
    check_batch(config, num_replicas)
    batch_size = config.train_batch_size
    is_pretraining = config.train_mode == "pretrain"
    if is_pretraining and batch_size > source.num_examples:
        raise errors.UserError(
            f"train_batch_size must be at most the number of training "
            f"images, {source.num_examples}; got {batch_size}"
        )
    has_head = config.lineareval_while_pretraining or not is_pretraining
    return Plan(
        num_replicas=num_replicas,
        total_steps=derived.train_steps(config, source.num_examples),
        warmup_steps=derived.warmup_steps(config, source.num_examples),
        checkpoint_steps=derived.checkpoint_steps(config, source.num_examples),
        num_classes=source.num_classes if has_head else None,
    )


def check_batch(config, num_replicas):
    """Raises `UserError` if a batch cannot be divided among replicas.

    Args:
        config: a `Config`.
        num_replicas: replicas in sync.
    """
    batch_size = config.train_batch_size
    if batch_size % num_replicas:
        raise errors.UserError(
            f"train_batch_size must be divisible by the number of replicas, "
            f"{num_replicas}; got {batch_size}"
        )
    local_batch = batch_size // num_replicas
    if config.microbatch_size and local_batch % config.microbatch_size:
        raise errors.UserError(
            f"microbatch_size must be a divisor of a replica's batch, "
            f"{local_batch}; got {config.microbatch_size}"
        )


def facts(source, plan):
    """What those who open the run later need to know of its data."""
    has_names = plan.num_classes is not None and source.class_names
    where_known = {
        same_data.FILE_LIST: source.file_list,
        model_dir.STARTS: list(plan.starts),
    }
    return {
        "num_examples": source.num_examples,
        "num_classes": plan.num_classes,
        same_data.CLASS_NAMES: list(source.class_names) if has_names else None,
        "train_steps": plan.total_steps,
    } | {name: value for name, value in where_known.items() if value}
