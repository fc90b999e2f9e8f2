"""Which splits a data set has, before one is opened."""

from simclr_tf.data import digits, folder, tfds_source


def of_dataset(dataset, *, data_dir=None, download=True):
    """Names of all splits.

    Args:
        dataset: as for `catalog.open_source`.
        data_dir: where TFDS sets are; None for the default of TFDS.
        download: prepare a TFDS set that is absent.

    Returns:
        A tuple of str, sorted; () for a folder that does not exist, which is
        refused when it is opened.

    Raises:
        errors.UserError: if there is no such TFDS set, or it cannot be
            prepared.
    """
    if dataset == digits.NAME:
        return digits.SPLITS
    if dataset.startswith(folder.PREFIX):
        return folder.split_names(dataset)
    return tfds_source.split_names(dataset, data_dir, download)
