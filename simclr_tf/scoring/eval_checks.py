"""What an evaluation needs, asked before the work that it would end."""

from absl import logging

from simclr_tf import errors
from simclr_tf.data import class_names, splits, transfer_sets
from simclr_tf.scoring import frozen, frozen_features
from simclr_tf.setup import given_data, given_images, same_data


def check(config, source, *, has_head):
    """Refuses a protocol that could not be carried out.

    Args:
        config: a `Config`.
        source: the labelled evaluation `Source`; None for transfer.
        has_head: whether there is a supervised head.

    Raises:
        errors.UserError: if there is no head for the online protocol, the
            training images cannot meet the frozen one, or the sets of the
            transfer protocol are not named well.
    """
    if config.eval_protocol == "online" and not has_head:
        raise errors.UserError(
            "eval_protocol=online needs a run with labels and "
            "lineareval_while_pretraining; use --eval_protocol=frozen"
        )
    if config.eval_protocol != "online":
        frozen_features.check_cache(config)
    if config.eval_protocol == "frozen":
        train = given_images.open_labelled(config, "train_split")
        frozen.check(config, train)
        check_classes_of_splits(train, source)
    if config.eval_protocol == "transfer":
        transfer_sets.find(config.transfer_datasets, data_dir=config.data_dir)


def check_start(config, facts):
    """Refuses a run that could not be scored afterwards, as `open_source`."""
    open_source(given_data.settle_scoring(config, facts), facts)


def open_source(config, facts):
    """The images to score; None for transfer, which looks at others alone.

    Args:
        config: a `Config` of `given_data.settle_scoring`.
        facts: of the run, which tell the classes of its supervised head.

    Raises:
        errors.UserError: if they have no labels, or other classes, or as
            `check`.
    """
    source = None
    if config.eval_protocol != "transfer":
        source = given_images.open_labelled(config, "eval_split")
        check_classes(source, facts, of="the supervised head")
        warn_of_training_images(config)
    check(config, source, has_head=facts["num_classes"] is not None)
    return source


def check_classes_of_splits(train, test):
    """Raises `UserError` if two labelled `Source`s have other classes."""
    known = {"num_classes": train.num_classes, "class_names": train.class_names}
    check_classes(test, known, of="train_split")


def check_classes(source, known, *, of):
    """Raises `UserError` if an evaluation split has other classes.

    Args:
        source: the labelled evaluation `Source`.
        known: "num_classes" to have, None for any, and "class_names" where
            they are known.
        of: whose they are.
    """
    num_classes = known["num_classes"]
    if num_classes is None:
        return
    if num_classes != source.num_classes:
        raise errors.UserError(
            f"eval_split must have the {num_classes} classes of {of}; "
            f"{source.name!r} split {source.split!r} has {source.num_classes}"
        )
    differing = class_names.first_difference(
        source.class_names, known.get(same_data.CLASS_NAMES)
    )
    if differing:
        number, ours, theirs = differing
        raise errors.UserError(
            f"eval_split must have the classes of {of}; class {number} of "
            f"{source.name!r} split {source.split!r} is {ours!r}, there "
            f"{theirs!r}"
        )


def warn_of_training_images(config):
    """Warns where the images that score are those that train."""
    train, test = (
        sorted(map(str, splits.parse(split)))
        for split in (config.train_split, config.eval_split)
    )
    if train == test:
        logging.warning(
            "eval_split %r is the training split: the scores are those of "
            "images that were trained on",
            config.eval_split,
        )
