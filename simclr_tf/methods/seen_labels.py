"""Which labels a training on labels sees, and the record it leaves of them."""

import os

import numpy as np
import tensorflow as tf
from absl import logging

from simclr_tf import errors, files
from simclr_tf.data import label_files, labelled
from simclr_tf.setup import model_dir

LABEL_FILE = "labels.txt"  # in model_dir


def choose(config, source):
    """Which images' labels are seen.

    Args:
        config: a `Config`.
        source: the whole labelled `Source`.

    Returns:
        Rising indices, or None for all.

    Raises:
        errors.UserError: as `label_files.read` and `labelled.choose`.
    """
    if config.label_file:
        kept = label_files.read(config.label_file, source)
        warn_of_missing_classes(config, source, kept)
        return kept
    if not (config.label_fraction or config.labels_per_class):
        return None
    return labelled.choose(
        source,
        seed=config.seed,
        label_fraction=config.label_fraction or None,
        labels_per_class=config.labels_per_class or None,
    )


def warn_of_missing_classes(config, source, kept):
    """Warns where a list leaves a class without a label, if that is known."""
    if source.labels is None or source.is_multi_label:
        return
    seen = source.labels[kept]
    missing = source.num_classes - len(np.unique(seen[seen >= 0]))
    if missing:
        logging.warning(
            "label_file %r leaves %d of %d classes without a label",
            config.label_file,
            missing,
            source.num_classes,
        )


def check_listed(config, labels):
    """Refuses a list of labels that names images without one.

    Args:
        config: a `Config`.
        labels: of the images that were chosen, int [n] or [n, K].

    Raises:
        errors.UserError: if an image has none.
    """
    missing = len(labels) - len(labelled.indices(labels))
    if missing:
        raise errors.UserError(
            f"label_file must name images that have a label; {missing} of the "
            f"{len(labels)} in {config.label_file!r} have none"
        )


def render(config, source, kept):
    """The list of what was chosen, as text that can be passed back in.

    Args:
        config: a `Config`.
        source: the whole labelled `Source`.
        kept: what `choose` returned.

    Returns:
        The text, or None where all labels are seen.
    """
    if kept is None:
        return None
    return label_files.render(
        source,
        kept,
        seed=config.seed,
        label_fraction=config.label_fraction or None,
        labels_per_class=config.labels_per_class or None,
    )


def check(config, text):
    """Refuses other labels than those that a resumed run began with.

    Args:
        config: a `Config`.
        text: what `render` returned.

    Raises:
        errors.UserError: if what the label file names has changed.
    """
    path = os.path.join(config.model_dir, LABEL_FILE)
    is_resumed = model_dir.read_run(config.model_dir) is not None
    if text is None or not (is_resumed and tf.io.gfile.exists(path)):
        return
    if files.read_text(path) != text:
        raise errors.UserError(
            f"label_file must name the images that this run began with, those "
            f"in {path!r}; got {config.label_file!r}"
        )


def write(config, text):
    """Writes what `render` returned to `model_dir`; nothing for None."""
    if text is not None:
        path = os.path.join(config.model_dir, LABEL_FILE)
        files.write_text(path, text)
