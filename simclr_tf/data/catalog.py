"""From the name of a data set to its source."""

from simclr_tf import errors
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
    check_images="auto",
    multi_label=False,
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
        check_images: which files of a folder are read now, see
            `unreadable.check`.
        multi_label: label an image by all classes seen in it; for TFDS sets
            whose objects are annotated.

    Returns:
        `ArraySource`, `PathSource` or `StreamSource`.

    Raises:
        errors.UserError: if there is no such data set or split, or it cannot
            be read.
    """
    is_tfds = dataset != digits.NAME and not dataset.startswith(folder.PREFIX)
    if multi_label and not is_tfds:
        raise errors.UserError(
            f"multi_label must be off for {dataset!r}, which has one class "
            f"per image"
        )
    if dataset == digits.NAME:
        return digits.open_digits(split)
    if dataset.startswith(folder.PREFIX):
        return folder.open_folder(
            dataset,
            split,
            max_image_pixels=max_image_pixels,
            check_images=check_images,
        )
    return tfds_source.open_tfds(
        dataset,
        split,
        data_dir=data_dir,
        download=download,
        memory_limit_mb=memory_limit_mb,
        multi_label=multi_label,
    )
