"""kNN accuracy while pretraining: a progress signal that the loss is not."""

from absl import logging

from simclr_tf import errors
from simclr_tf.config import derived
from simclr_tf.data import labelled, seeds, subsets
from simclr_tf.evaluation import effective_rank, features, knn
from simclr_tf.setup import given_images, networks
from simclr_tf.training import loop

ACCURACY_TAG = "knn/held_out_accuracy"
RANK_TAG = "features/effective_rank"
MAX_IMAGES = 6000
"""Labelled images looked at, drawn once; some seconds of work on a CPU."""
MAX_RANKED_IMAGES = 2048
"""Images whose effective rank is computed; seconds at 2,048 features."""
HELD_OUT_FRACTION = 1 / 6


def check(config, source):
    """Refuses what would fail at the first look.

    Args:
        config: a `Config`.
        source: the training `Source`.

    Raises:
        errors.UserError: if the monitor is on and there are no labels.
    """
    if not config.knn_every_epochs:
        return
    if source.num_classes is None:
        raise errors.UserError(
            f"knn_every_epochs needs labels; {source.has_no_labels()}"
        )
    part = _sample(config, source)
    knn.warn_of_few_images(
        config.knn_neighbors, round(part.num_examples * (1 - HELD_OUT_FRACTION))
    )


def events(config, source, model, metrics):
    """The monitor as loop events; none unless `knn_every_epochs` is set.

    Args:
        config: a `Config`.
        source: the training `Source`, labelled.
        model: the `SimCLR` model.
        metrics: a `MetricsWriter`.
    """
    if not config.knn_every_epochs:
        return []
    every = config.knn_every_epochs * derived.steps_per_epoch(
        config, source.num_examples
    )
    encode = networks.encoder_function(model)
    part = _sample(config, source)

    def act(step):
        found = features.extract(
            encode, given_images.eval_batches(config, part)
        )
        accuracy = held_out_accuracy(config, part, found)
        rank = effective_rank.effective_rank(found.values[:MAX_RANKED_IMAGES])
        metrics.scalars(step, {ACCURACY_TAG: accuracy, RANK_TAG: rank})
        logging.info(
            "step %d  kNN on held-out images %.1f%%  effective rank %.1f of %d",
            step,
            100 * accuracy,
            rank,
            found.values.shape[1],
        )

    return [loop.Event(every, act)]


def _sample(config, source):
    """The images that are looked at, a labelled `Source`."""
    return labelled.sample(
        source,
        MAX_IMAGES,
        seed=config.seed,
        domain=seeds.Domain.MONITOR_SAMPLE,
    )


def last_found(metrics):
    """What the monitor measured last, as pairs of a name and a text."""
    latest = metrics.latest
    if ACCURACY_TAG not in latest:
        return []
    return [
        ("kNN on held-out images", f"{latest[ACCURACY_TAG]:.1%}"),
        ("effective rank", f"{latest[RANK_TAG]:.1f}"),
    ]


def held_out_accuracy(config, source, found):
    """Accuracy on a held-out sixth of the features found, a number 0-1."""
    kept, held = subsets.hold_out(
        found.labels,
        HELD_OUT_FRACTION,
        seed=config.seed,
        domain=seeds.Domain.MONITOR_HOLD_OUT,
    )
    bank, queries = features.standardize(found.take(kept), found.take(held))
    return knn.accuracy(
        bank,
        queries,
        num_classes=source.num_classes,
        neighbors=config.knn_neighbors,
        temperature=config.knn_temperature,
    )
