"""From the name of a data set to its source."""

from simclr_tf.data import digits, folder, tfds_source
from simclr_tf.data import images as image_files


def open_source(
    dataset,
    split,
    *,
    data_dir=None,
    download=True,
    memory_limit_mb=2048,
    max_image_pixels=image_files.MAX_PIXELS,
):
    """Opens one split of a data set.

    Args:
        dataset: "digits", "folder:PATH", or a TFDS name with optional config
            and version.
        split: name with optional slice, such as "train[:90%]".
        data_dir: where TFDS sets are; None for the default of TFDS.
        download: prepare a TFDS set that is absent.
        memory_limit_mb: most MiB of decoded images to hold in memory; larger
            TFDS sets are streamed.
        max_image_pixels: files with more are refused.

    Returns:
        `ArraySource`, `PathSource` or `StreamSource`.

    Raises:
        errors.UserError: if there is no such data set or split, or it cannot
            be read.
    """
    if dataset == digits.NAME:
        return digits.open_digits(split)
    if dataset.startswith(folder.PREFIX):
        return folder.open_folder(
            dataset, split, max_image_pixels=max_image_pixels
        )
    return tfds_source.open_tfds(
        dataset,
        split,
        data_dir=data_dir,
        download=download,
        memory_limit_mb=memory_limit_mb,
    )
