"""The network that `--teacher` names: known first, then made."""

import typing

from absl import logging

from simclr_tf import errors
from simclr_tf.checkpoints import opened
from simclr_tf.config import Config
from simclr_tf.setup import given_checkpoint, model_dir, networks, same_data


class Teacher(typing.NamedTuple):
    """What is known of a teacher before its network is made.

    Attributes:
        path: as the user gave it.
        kind: of checkpoint, one of those in `checkpoints.opened`.
        config: a `Config` of its architecture.
        num_classes: of its supervised head.
        class_names: list of str; None where they are not known.
        step: that its weights are of.
        image_size: that it was trained at, px; None where it does not say.
    """

    path: str
    kind: str
    config: Config
    num_classes: int
    class_names: list | None
    step: int
    image_size: int | None

    def __str__(self):
        """One line for the log."""
        config = self.config
        return (
            f"{self.path} ({self.kind}, step {self.step}): "
            f"ResNet-{config.resnet_depth} width {config.width_multiplier:g}, "
            f"{self.num_classes} classes read at "
            f"ft_proj_selector={config.ft_proj_selector}"
        )


def recall(path):
    """Finds out what a path holds, without reading its weights.

    Args:
        path: a `model_dir`, a checkpoint, or a SavedModel, ours or official.

    Returns:
        A `Teacher`.

    Raises:
        errors.UserError: if there is no network, or none with a supervised
            head.
    """
    with errors.about("teacher"):
        config, facts = given_checkpoint.recall(
            Config(mode="eval", checkpoint=path)
        )
        found = opened.open_checkpoint(path)
    if facts["num_classes"] is None:
        raise errors.UserError(
            f"teacher must have a supervised head; {path!r} has none"
        )
    return Teacher(
        path=path,
        kind=found.kind,
        config=config,
        num_classes=facts["num_classes"],
        class_names=facts.get(same_data.CLASS_NAMES),
        step=found.step,
        image_size=config.image_size if _tells_size(facts) else None,
    )


def make_model(teacher, config):
    """Its network with its weights; call inside the strategy's scope.

    It computes as the student does: in the same precision, and with the same
    kind of batch norm.

    Args:
        teacher: a `Teacher`.
        config: the student's `Config`.

    Returns:
        A built `SimCLR` of which nothing is trainable.

    Raises:
        errors.UserError: if the weights are not those of its architecture.
    """
    same = {"precision": config.precision, "fused_bn": config.fused_bn}
    model = networks.make_eval_model(
        teacher.config.replace(remat=False, **same),
        num_classes=teacher.num_classes,
    )
    with errors.about("teacher"):
        given_checkpoint.load(teacher.path, model)
    model.trainable = False
    logging.info("teacher    %s", teacher)
    return model


def logits_of(model):
    """The function from images to logits in inference.

    Args:
        model: what `make_model` returned.

    Returns:
        A function from float32 [b, S, S, 3] to float32 [b, K].
    """

    def logits(images):
        return model(images, training=False).logits

    return logits


def _tells_size(facts):
    """Whether the image size was recorded, not taken from the stem."""
    origin = facts.get(model_dir.IMPORTED)
    return origin is None or origin["kind"] == opened.OUR_SAVED_MODEL
