"""Every use of a seed draws on its own."""

import ast
import itertools
import pathlib

import numpy as np
import pytest

from simclr_tf.augment import draws
from simclr_tf.config import validation
from simclr_tf.data import order, seeds, sources, splits, subsets

SEEDS = (0, 1, 7)
LABELS = np.repeat(np.arange(10, dtype=np.int32), 500)
SHARE = 0.1
MAX_DEVIATIONS = 5
"""Standard deviations of an overlap by chance; of 1,000 pairs none is 5."""
PACKAGE = pathlib.Path(seeds.__file__).parent.parent
FIXED_SEEDS = {"benchmarks", "seeds.py", "splits.py"}
"""Where numpy's generators may be made: no seed of the user's there."""


def part_of(domain, seed):
    source = sources.PathSource(
        name="set",
        split="train",
        num_examples=len(LABELS),
        num_classes=10,
        labels=np.arange(len(LABELS)),
        paths=("",) * len(LABELS),
    )
    count = round(SHARE * len(LABELS))
    return sources.sample(source, count, seed=seed, domain=domain).labels


def subsets_of(seed):
    """Name -> the tenth of the images that each use of a seed draws."""
    counts = subsets.per_class_count("10%", LABELS)
    _, held = subsets.hold_out(LABELS, SHARE, seed=seed)
    _, queries = subsets.hold_out(
        LABELS, SHARE, seed=seed, domain=seeds.Domain.MONITOR_HOLD_OUT
    )
    given = {"class_names": range(10), "seed": seed}
    found = {
        "labels of training": subsets.by_fraction(LABELS, SHARE, **given),
        "held out": held,
        "queries of the monitor": queries,
        "fold": subsets.folds(LABELS, 10, seed=seed)[0][1],
        "slice": splits.Part("train", "", "10%").indices(len(LABELS)),
        "monitor": part_of(seeds.Domain.MONITOR_SAMPLE, seed),
        "untrained network": part_of(seeds.Domain.BASELINE_SAMPLE, seed),
        "plain numpy": np.random.default_rng([seed, 99]).permutation(
            len(LABELS)
        )[: round(SHARE * len(LABELS))],
    }
    for draw in range(3):
        found[f"draw {draw}"] = subsets.balanced_subset(
            LABELS, counts, seed=seed, draw=draw
        )
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_subsets_of_one_seed_overlap_by_chance(seed):
    found = subsets_of(seed)
    size = round(SHARE * len(LABELS))
    chance = SHARE * size
    deviation = np.sqrt(chance * (1 - SHARE))  # at most: draws are by class
    for (ours, a), (theirs, b) in itertools.combinations(found.items(), 2):
        assert len(a) == len(b) == size
        overlap = len(np.intersect1d(a, b))
        gap = abs(overlap - chance)
        assert gap < MAX_DEVIATIONS * deviation, (ours, theirs, overlap)


def test_few_labels_are_not_those_held_out():
    """1% of the labels: all 50 lay in the held-out tenth once."""
    for seed in SEEDS:
        few = subsets.by_fraction(
            LABELS, 0.01, class_names=range(10), seed=seed
        )
        _, held = subsets.hold_out(LABELS, SHARE, seed=seed)
        assert len(few) == 50
        assert len(np.intersect1d(few, held)) < 16  # 5 by chance


def test_no_two_generators_are_alike():
    first = [
        seeds.generator(seed, domain, index).integers(2**62)
        for seed in SEEDS
        for domain in seeds.Domain
        for index in range(1 if domain is seeds.Domain.LABELS else 3)
    ]
    assert len(set(first)) == len(first)


def test_equal_uses_are_alike():
    for domain in seeds.Domain:
        ours, theirs = (seeds.generator(5, domain) for _ in range(2))
        assert ours.integers(2**62) == theirs.integers(2**62)


def test_derived_seeds_are_of_their_domain():
    found = [seeds.derive(s, d) for s in SEEDS for d in seeds.Domain]
    assert len(set(found)) == len(found)
    assert all(0 <= seed <= validation.MAX_SEED for seed in found)


def test_lists_of_labels_that_runs_have_written_stay_valid():
    """They are by numpy's generator of the bare seed."""
    labels = np.repeat([0, 1], 20)
    chosen = subsets.by_class(labels, 3, class_names="ab", seed=0)
    generator = np.random.default_rng(0)
    expected = [
        generator.permutation(np.flatnonzero(labels == k))[:3] for k in (0, 1)
    ]
    np.testing.assert_array_equal(chosen, np.sort(np.concatenate(expected)))
    with pytest.raises(ValueError, match="index must be 0"):
        seeds.generator(0, seeds.Domain.LABELS, 1)


def test_generators_are_made_in_one_place():
    for path in PACKAGE.rglob("*.py"):
        if FIXED_SEEDS & set(path.relative_to(PACKAGE).parts):
            continue
        names = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
        }
        assert not names & {"default_rng", "RandomState"}, path


def test_the_order_of_no_seed_has_the_keys_of_another_s_views():
    """Views and order are keyed by seed and position; the order's seed is
    moved out of the range of seeds, epoch e sharing no key with example e."""
    positions = np.arange(50)
    keys = {
        tuple(key)
        for seed in SEEDS
        for key in draws.example_keys(seed, positions).numpy().tolist()
    }
    ordered = {
        tuple(words[:2])
        for seed in SEEDS
        for words in order.epoch_words(seed, positions).numpy().tolist()
    }
    assert len(keys) == len(ordered) == len(SEEDS) * len(positions)
    assert not keys & ordered
    assert order._DOMAIN > validation.MAX_SEED
