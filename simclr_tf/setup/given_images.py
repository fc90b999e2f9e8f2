"""From a `Config` to images with labels, and to how views are drawn."""

from simclr_tf import errors
from simclr_tf.data import catalog, labelled, pipeline, sources, unreadable


def open_source(config, field):
    """Opens one split of the configured data set.

    Args:
        config: a `Config`.
        field: "train_split", or another that names a split.

    Raises:
        errors.UserError: naming the field, if there is no such split; or if
            the data set cannot be opened.
    """
    with errors.renamed("split", field):
        return _open(config, config.dataset, getattr(config, field))


def _open(config, dataset, split, *, multi_label=False):
    source = catalog.open_source(
        dataset,
        split,
        data_dir=config.data_dir,
        download=config.download,
        memory_limit_mb=config.memory_limit_mb,
        max_image_pixels=config.max_image_pixels,
        check_images=config.check_images,
        multi_label=multi_label,
    )
    return sources.cached(source) if config.cache_dataset else source


def open_transfer(config, each, split):
    """Opens one split of a data set of the transfer protocol.

    Args:
        config: a `Config`, whose own data set plays no part.
        each: a `transfer_sets.TransferSet`.
        split: one of its splits.

    Raises:
        errors.UserError: if it cannot be opened or has no labels.
    """
    with errors.about(f"transfer_datasets, {each.name}"):
        source = _open(
            config, each.dataset, split, multi_label=each.is_multi_label
        )
    check_labelled(source, each.name)
    return source


def open_labelled(config, field):
    """As `open_source`, refusing a split in which no image has a label.

    Args:
        config: a `Config`.
        field: "train_split" or "eval_split".

    Raises:
        errors.UserError: if there is none.
    """
    source = open_source(config, field)
    check_labelled(source, field)
    return source


def check_labelled(source, field):
    """Raises `UserError` if the source opened for a field has no labels."""
    if labelled.count(source) == 0:
        raise errors.UserError(
            f"{field} must have labels; {source.has_no_labels()}"
        )
    if source.num_classes < 2:
        raise errors.UserError(
            f"{field} must have two classes or more; {source.name!r} split "
            f"{source.split!r} has one"
        )


def finetune_view_options(config):
    """Keyword arguments of `views.sample_crop_flip`."""
    return {
        "crop_area": (config.crop_min_area, 1.0),
        "flip_prob": 0.5 if config.use_flip else 0.0,
    }


def pretrain_view_options(config):
    """Keyword arguments of `views.sample_views` for pretraining."""
    return {
        "strength": config.color_jitter_strength,
        "jitter_impl": config.color_jitter_impl,
        "crop_area": (config.crop_min_area, 1.0),
        "flip_prob": 0.5 if config.use_flip else 0.0,
        "blur_prob": 0.5 if config.use_blur else 0.0,
    }


def eval_batches(config, source, **recipe):
    """Yields a split in order, once, padded and masked to full batches.

    Args:
        config: a `Config`.
        source: any `Source`.
        **recipe: further arguments of `views.eval_images`.

    Raises:
        errors.UserError: naming the first image that cannot be read.
    """
    max_pixels = config.max_image_pixels
    with unreadable.named(source, max_pixels=max_pixels):
        yield from pipeline.eval_dataset(
            source,
            batch_size=config.eval_batch_size,
            image_size=config.image_size,
            max_image_pixels=max_pixels,
            **recipe,
        )
