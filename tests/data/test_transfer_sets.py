"""The table of transfer sets, and the splits it gives."""

import os

import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.data import catalog, sources, transfer_sets

NAMES = (
    "food101", "cifar10", "cifar100", "birdsnap", "sun397", "cars",
    "aircraft", "voc2007", "dtd", "pets", "caltech101", "flowers",
)  # fmt: skip
MEAN_PER_CLASS = {"aircraft", "pets", "caltech101", "flowers"}
SPLITS = {
    "food101": ("train", "validation"),
    "cifar10": ("train", "test"),
    "cifar100": ("train", "test"),
    "sun397/standard-part1-120k": ("train", "test"),
    "cars196": ("train", "test"),
    "voc/2007": ("train", "validation", "test"),
    "dtd": ("train", "validation", "test"),
    "oxford_iiit_pet": ("train", "test"),
    "caltech101": ("train", "test"),
    "oxford_flowers102": ("train", "validation", "test"),
}
"""What TFDS 4.9 has of each that is used."""


def test_the_paper_s_twelve():
    sets = transfer_sets.find(["paper"])
    assert tuple(each.name for each in sets) == NAMES
    metrics = {each.name: each.metric for each in sets}
    assert metrics.pop("voc2007") == "map"
    for name, metric in metrics.items():
        assert metric == (
            "mean_per_class" if name in MEAN_PER_CLASS else "accuracy"
        )
    assert [each.name for each in sets if each.is_multi_label] == ["voc2007"]


def test_the_splits_exist_in_tfds():
    sets = {each.dataset: each for each in transfer_sets.PAPER_SETS}
    assert set(sets) - {None} == set(SPLITS)
    for dataset, names in SPLITS.items():
        each = sets[dataset]
        used = f"{each.final}+{each.test}".split("+")
        assert tuple(used) == names


@pytest.mark.parametrize("each", transfer_sets.PAPER_SETS, ids=str)
def test_the_test_split_takes_no_part_in_the_choice(each):
    for split in (each.train, each.validation, each.final):
        parts = {part.partition("[")[0] for part in split.split("+")}
        assert each.test not in parts


def test_train_and_validation_make_up_what_is_fitted_last():
    (each,) = transfer_sets.find(["digits"])
    parts = {
        name: catalog.open_source("digits", getattr(each, name))
        for name in ("train", "validation", "final", "test")
    }
    num = {name: part.num_examples for name, part in parts.items()}
    assert num["train"] + num["validation"] == num["final"]
    assert num["validation"] == pytest.approx(0.2 * num["final"], abs=1)
    rows = [
        {image.tobytes() for image in parts[name].images}
        for name in ("train", "validation", "test")
    ]
    assert not rows[0] & rows[1]
    assert set(np.unique(parts["validation"].labels)) == set(range(10))


def test_a_folder_by_its_place(tmp_path, image_maker):
    for split in ("train", "test"):
        for index in range(10):
            image_maker.write(
                os.path.join(tmp_path, split, "wren", f"{index}.png"),
                image_maker.encode(image_maker.random_image(index)),
            )
    (each,) = transfer_sets.find([f"birdsnap=folder:{tmp_path}"])
    assert each.num_classes == 500
    source = catalog.open_source(each.dataset, each.validation)
    assert isinstance(source, sources.PathSource)
    assert source.num_examples == 2
    assert catalog.open_source(each.dataset, each.test).num_examples == 10


def test_folders_lie_in_data_dir():
    first, second = transfer_sets.find(["birdsnap", "pets"], data_dir="/data")
    assert first.dataset == "folder:/data/birdsnap"
    assert second.dataset == "oxford_iiit_pet"
    (unknown,) = transfer_sets.find(["birdsnap"])
    assert unknown.dataset is None


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("cars196", "cars"),
        ("voc/2007", "voc2007"),
        ("sun397", "sun397"),
        ("fgvc_aircraft", "aircraft"),
    ],
)
def test_the_names_that_others_give(name, ours):
    assert transfer_sets.find([name]) == transfer_sets.find([ours])


@pytest.mark.parametrize("name", ["digits", "eurosat", "folder:/pictures"])
def test_any_other_name_is_a_data_set(name):
    (each,) = transfer_sets.find([name])
    assert (each.name, each.dataset) == (name, name)
    assert (each.final, each.test) == ("train", "test")
    assert each.published_linear is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "must name a data set"),
        (["pets", "dtd", "pets"], "each set once; got 'pets' again"),
        (["dtd", "paper"], "each set once; got 'dtd' again"),
    ],
)
def test_names_that_do_not_fit(names, message):
    with pytest.raises(errors.UserError, match=message):
        transfer_sets.find(names)
