"""`--probe_blocks`: what a linear probe finds behind every block group."""

from simclr_tf.data import subsets
from simclr_tf.evaluation import methods, probes
from simclr_tf.scoring import frozen_features
from simclr_tf.training import console

ENDPOINTS = (
    *(f"block_group{number}" for number in range(1, 5)),
    frozen_features.FEATURES,
    "proj_head_output",
)
"""Official names, in the order of the network. Maps are averaged."""


def run(config, extractor, sources):
    """Fits and prints the probes.

    Each chooses its penalty on a held-out part of the training images, or by
    cross-validation where that part is small, and is then fitted on all of
    them.

    Args:
        config: a `Config`.
        extractor: `FrozenFeatures` of `ENDPOINTS`.
        sources: the training and the test `Source`.

    Returns:
        A list of `probes.Probe`.
    """
    train, test = (extractor.load(source) for source in sources)
    labels = train[frozen_features.FEATURES].labels
    kept, held = subsets.hold_out(
        labels, config.holdout_fraction, seed=config.seed
    )
    found = probes.fit_probes(
        {
            name: probes.Splits(
                train[name].take(kept), train[name].take(held), test[name]
            )
            for name in ENDPOINTS
        },
        methods.logistic_regression(config.probe_l2),
        num_classes=sources[1].num_classes,
        seed=config.seed,
    )
    console.show(probes.render(found))
    return found


def classifiers_of(found):
    """Arrays of every probe, by endpoint; of features as they come.

    Args:
        found: list of `probes.Probe`.
    """
    return {
        f"blocks/{probe.name}/{part}": array
        for probe in found
        for part, array in probe.classifier._asdict().items()
    }
