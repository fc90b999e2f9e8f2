import logging
import os

import numpy as np
import pytest

from simclr_tf.evaluation import cache, features, npz_file

SETTINGS = {
    "encoder": "ab" * 32,
    "arithmetic": "float32",
    "dataset": "digits",
    "split": "train",
    "image_size": 8,
    "preprocessing": 1,
    "endpoints": ("block_group4", "final_avg_pool"),
}
FACTS = cache.facts_of(**SETTINGS)


class Extraction:
    """Computes features, counting how often."""

    def __init__(self):
        self.runs = 0

    def __call__(self):
        self.runs += 1
        generator = np.random.default_rng(0)
        labels = generator.integers(0, 3, 5).astype(np.int32)
        return {
            name: features.Features(
                generator.normal(size=(5, 4)).astype(np.float32), labels
            )
            for name in SETTINGS["endpoints"]
        }


def assert_equal(ours, theirs):
    assert set(ours) == set(theirs)
    for name, part in ours.items():
        assert part.values.tobytes() == theirs[name].values.tobytes()
        np.testing.assert_array_equal(part.labels, theirs[name].labels)
        assert part.labels.dtype == theirs[name].labels.dtype


@pytest.mark.parametrize("where", ["local", "ram"])
def test_computed_once(tmp_path, where):
    place = f"{tmp_path}/cache" if where == "local" else "ram://features"
    extraction = Extraction()
    first = cache.load_or_extract(place, FACTS, extraction)
    second = cache.load_or_extract(place, FACTS, extraction)
    assert extraction.runs == 1
    assert_equal(first, second)


def test_without_a_directory_nothing_is_kept():
    extraction = Extraction()
    for _ in range(2):
        cache.load_or_extract(None, FACTS, extraction)
    assert extraction.runs == 2


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "cd" * 32},
        {"arithmetic": "bfloat16"},
        {"dataset": "cifar10"},
        {"split": "test"},
        {"image_size": 16},
        {"preprocessing": 2},
        {"endpoints": ("final_avg_pool",)},
    ],
)
def test_every_fact_has_a_file_of_its_own(change):
    other = cache.facts_of(**SETTINGS | change)
    assert cache.path_of("d", other) != cache.path_of("d", FACTS)


def test_the_order_of_endpoints_plays_no_part():
    turned = SETTINGS | {"endpoints": SETTINGS["endpoints"][::-1]}
    assert cache.facts_of(**turned) == FACTS


@pytest.mark.parametrize("damage", ["cut", "altered", "foreign", "lopsided"])
def test_a_wrong_file_is_computed_anew(tmp_path, caplog, damage):
    extraction = Extraction()
    first = cache.load_or_extract(str(tmp_path), FACTS, extraction)
    (name,) = os.listdir(tmp_path)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "altered":
        at = content.index(first["final_avg_pool"].values.tobytes())
        content[at] ^= 1
        path.write_bytes(content)
    else:
        arrays = npz_file.load(str(path))
        if damage == "foreign":
            arrays["facts"] = np.array(FACTS.replace("digits", "letters"))
        else:
            arrays["labels"] = arrays["labels"][:-1]
        npz_file.save(str(path), arrays)
    with caplog.at_level(logging.WARNING):
        again = cache.load_or_extract(str(tmp_path), FACTS, extraction)
    assert extraction.runs == 2
    assert "recomputing " in caplog.text
    assert_equal(first, again)
    cache.load_or_extract(str(tmp_path), FACTS, extraction)
    assert extraction.runs == 2


def test_an_interrupted_computation_leaves_no_file(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.load_or_extract(str(tmp_path), FACTS, interrupted)
    assert os.listdir(tmp_path) == []
