"""Data sets by name, for Keras users."""

import os

from simclr_tf.data import catalog, sources


def open_dataset(
    name: str,
    split: str = "train",
    *,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
) -> sources.Source:
    """Opens one split of a data set.

    `SimCLR.fit`, `embed`, `knn_accuracy` and the like take what is returned.
    Sets of small images of one size, such as the digits or CIFAR-10, also have
    the arrays `images` and `labels`.

    Args:
        name: "digits", "folder:PATH", or a TFDS name such as "cifar10".
        split: name with optional slice, such as "train[:90%]".
        data_dir: where TFDS sets are; None for the default of TFDS.
        download: prepare a TFDS set that is absent.

    Raises:
        errors.UserError: if there is no such data set or split.
    """
    return catalog.open_source(
        name,
        split,
        data_dir=None if data_dir is None else os.fspath(data_dir),
        download=download,
    )
