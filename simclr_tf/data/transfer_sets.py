"""The data sets of the transfer protocol, and how each is split and scored.

Legend: `K` classes.
"""

import os
import typing

from simclr_tf import errors
from simclr_tf.data import folder

ACCURACY, MEAN_PER_CLASS, MEAN_PRECISION = "accuracy", "mean_per_class", "map"
"""The metrics, as `evaluation.metrics.METRICS` names them."""
EVERY_PAPER_SET = "paper"
_HELD_OUT_PERCENT = 20
_ALIASES = {"fgvc_aircraft": "aircraft"}


class TransferSet(typing.NamedTuple):
    """One data set of the protocol.

    A choice is made by fitting `train` and scoring `validation`; what is
    reported is fitted on `final` and scored on `test`.

    Attributes:
        name: what the user calls it.
        dataset: for `catalog.open_source`; None for a folder not yet named.
        train, validation, final, test: splits.
        metric: a key of `evaluation.metrics.METRICS`.
        num_classes: K in the paper; None where it is not the paper's.
        is_multi_label: an image may show several classes.
        published_linear, published_finetune: percent, of SimCLR's ResNet-50
            (1x); None where it is not the paper's.
    """

    name: str
    dataset: str | None
    train: str
    validation: str
    final: str
    test: str
    metric: str = ACCURACY
    num_classes: int | None = None
    is_multi_label: bool = False
    published_linear: float | None = None
    published_finetune: float | None = None


def _held_out(name, dataset, *, train="train", test="test", **others):
    """A set without a validation split: a part of training is held out.

    The paper does not tell how much; a fifth is this project's choice. TFDS
    stores examples in a random order that is fixed, and folders are sliced by
    one, so a slice is a random part and always the same.
    """
    edge = 100 - _HELD_OUT_PERCENT
    return TransferSet(
        name,
        dataset,
        train=f"{train}[:{edge}%]",
        validation=f"{train}[{edge}%:]",
        final=train,
        test=test,
        **others,
    )


def _given(name, dataset, **others):
    """A set whose makers chose the validation split."""
    return TransferSet(
        name,
        dataset,
        train="train",
        validation="validation",
        final="train+validation",
        test="test",
        **others,
    )


def _row(make, name, dataset, num_classes, published, **others):
    linear, finetune = published
    return make(
        name,
        dataset,
        num_classes=num_classes,
        published_linear=linear,
        published_finetune=finetune,
        **others,
    )


# Caltech-101 has no split of its own: 30 images of a class train, the others
# test, as the paper has it and TFDS draws them. Of the several splits of
# SUN397 and DTD the first counts. TFDS calls the test part of Food-101
# "validation". Birdsnap and Aircraft are not in TFDS.
PAPER_SETS = (
    _row(_held_out, "food101", "food101", 101, (68.4, 88.2), test="validation"),
    _row(_held_out, "cifar10", "cifar10", 10, (90.6, 97.7)),
    _row(_held_out, "cifar100", "cifar100", 100, (71.6, 85.9)),
    _row(_held_out, "birdsnap", None, 500, (37.4, 75.9)),
    _row(_held_out, "sun397", "sun397/standard-part1-120k", 397, (58.8, 63.5)),
    _row(_held_out, "cars", "cars196", 196, (50.3, 91.3)),
    _row(_given, "aircraft", None, 100, (50.3, 88.1), metric=MEAN_PER_CLASS),
    _row(
        _given,
        "voc2007",
        "voc/2007",
        20,
        (80.5, 84.1),
        metric=MEAN_PRECISION,
        is_multi_label=True,
    ),
    _row(_given, "dtd", "dtd", 47, (74.5, 73.2)),
    _row(
        _held_out,
        "pets",
        "oxford_iiit_pet",
        37,
        (83.6, 89.2),
        metric=MEAN_PER_CLASS,
    ),
    _row(
        _held_out,
        "caltech101",
        "caltech101",
        102,
        (90.3, 92.1),
        metric=MEAN_PER_CLASS,
    ),
    _row(
        _given,
        "flowers",
        "oxford_flowers102",
        102,
        (91.2, 97.0),
        metric=MEAN_PER_CLASS,
    ),
)
"""Tuple of `TransferSet`, in the order of the paper's table.

Source: Chen et al. 2020a, appendix B.8.
"""


def find(names, *, data_dir=None):
    """The sets that a user names.

    Args:
        names: names of `PAPER_SETS`, or theirs in TFDS; "paper" for all;
            NAME=DATASET for one of these kept elsewhere, such as
            birdsnap=folder:PATH, with the same splits; or any other data set,
            by a name of the user's or its own, with the splits "train" and
            "test", scored by accuracy.
        data_dir: where folders named like a set are looked for, if any.

    Returns:
        Tuple of `TransferSet`s; `dataset` is None for a folder that was
        neither named nor can be looked for.

    Raises:
        errors.UserError: if there is no name, or one twice.
    """
    if not names:
        raise errors.UserError("transfer_datasets must name a data set")
    found = []
    for name in names:
        if name == EVERY_PAPER_SET:
            found += [_at_home(known, data_dir) for known in PAPER_SETS]
        else:
            found.append(_find_one(name, data_dir))
    once = set()
    for each in found:
        if each.name in once:
            raise errors.UserError(
                f"transfer_datasets must name each set once; got "
                f"{each.name!r} again"
            )
        once.add(each.name)
    return tuple(found)


def _find_one(text, data_dir):
    known = {each.name: each for each in PAPER_SETS}
    known |= {each.dataset: each for each in PAPER_SETS if each.dataset}
    known |= {alias: known[each] for alias, each in _ALIASES.items()}
    name, _, dataset = text.partition("=")
    if text.startswith(folder.PREFIX):  # whose path may have the sign
        name, dataset = text, None
    if name in known and dataset:
        return known[name]._replace(dataset=dataset)
    if name in known:
        return _at_home(known[name], data_dir)
    return _held_out(name, dataset or name)


def _at_home(known, data_dir):
    """The set with its folder, where it is one and data_dir is known."""
    if known.dataset or not data_dir:
        return known
    path = os.path.join(data_dir, known.name)
    return known._replace(dataset=f"{folder.PREFIX}{path}")
