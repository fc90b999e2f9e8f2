"""A TFDS set of the kind of STL-10: a split of it has no labels, -1 is stored.

Both kinds of source are made of it: in memory, and streamed.
"""

import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.data import catalog, labelled, seeds, sources
from simclr_tf.evaluation import features
from simclr_tf.methods import finetune, knn_monitor
from simclr_tf.setup import given_images

DOMAIN = seeds.Domain.MONITOR_SAMPLE
NUM_TRAIN, NUM_UNLABELLED = 12, 20
LIMITS = {"array": 2048, "stream": 0}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory, image_maker):
    """Where "tiny_stl" lies: "train" of two classes, "unlabelled", "mixed"."""
    import tensorflow_datasets as tfds

    directory = str(tmp_path_factory.mktemp("stl"))

    def rows(labels):
        return [
            (i, {"image": image_maker.random_image(i, 8, 8), "label": label})
            for i, label in enumerate(labels)
        ]

    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_stl",
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(8, 8, 3)),
                "label": tfds.features.ClassLabel(names=["ant", "bee"]),
            }
        ),
        split_datasets={
            "train": rows([i % 2 for i in range(NUM_TRAIN)]),
            "unlabelled": rows([-1] * NUM_UNLABELLED),
            "mixed": rows([-1, -1, -1, 0, -1, 1, 0, 1]),
        },
        data_dir=directory,
        disable_shuffling=True,
    )
    return directory


@pytest.fixture(params=LIMITS)
def opened(request, data_dir):
    """A function from a split, and flags, to (config, source)."""

    def opened(split, **flags):
        flags = {"mode": "plan", "image_size": 8} | flags
        config = Config(
            dataset="tiny_stl",
            train_split=split,
            data_dir=data_dir,
            memory_limit_mb=LIMITS[request.param],
            **flags,
        )
        return config, given_images.open_source(config, "train_split")

    return opened


@pytest.mark.parametrize(
    ("split", "num_labelled"),
    [
        ("train+unlabelled", NUM_TRAIN),
        ("unlabelled+train", NUM_TRAIN),
        ("mixed", 4),
        ("unlabelled[:5]+mixed", 4),
    ],
)
def test_some_labels_are_labels(opened, split, num_labelled):
    _, source = opened(split)
    assert source.num_classes == 2
    labels = sources.read_labels(source)
    assert len(labels) == source.num_examples
    assert len(labelled.indices(labels)) == num_labelled
    part = labelled.sample(source, 3, seed=0, domain=DOMAIN)
    assert part.num_examples == 3
    assert (sources.read_labels(part) >= 0).all()


def test_no_label_is_none(opened):
    assert opened("unlabelled")[1].num_classes is None
    with pytest.raises(errors.UserError, match="train_split must have labels"):
        given_images.open_labelled(opened("unlabelled")[0], "train_split")


@pytest.mark.parametrize("split", ["train+unlabelled", "unlabelled+train"])
def test_the_monitor_looks_at_labelled_images(opened, split, caplog):
    config, source = opened(
        split, knn_every_epochs=1, knn_neighbors=2, mode="train", model_dir="d"
    )
    knn_monitor.check(config, source)
    assert "knn_neighbors" not in caplog.text
    part = labelled.sample(
        source, knn_monitor.MAX_IMAGES, seed=0, domain=DOMAIN
    )
    found = features.extract(
        lambda images: images[:, 0, :, 0],
        given_images.eval_batches(config, part),
    )
    assert len(found.labels) == NUM_TRAIN
    assert 0 <= knn_monitor.held_out_accuracy(config, part, found) <= 1
    too_many = config.replace(knn_neighbors=NUM_TRAIN)
    knn_monitor.check(too_many, source)
    assert "is more than the 10 training images" in caplog.text


FINETUNE = {"train_mode": "finetune", "mode": "train", "model_dir": "d"}


def test_finetuning_sees_the_labelled_images(opened):
    config, source = opened("train+unlabelled", **FINETUNE)
    found = finetune.Finetuning().open_source(config)
    if isinstance(source, sources.StreamSource):
        # Known only when read; its step leaves the others out.
        assert found.num_examples == NUM_TRAIN + NUM_UNLABELLED
    else:
        np.testing.assert_array_equal(found.labels, np.arange(NUM_TRAIN) % 2)
    fewer = config.replace(labels_per_class=3)
    part = finetune.Finetuning().open_source(fewer)
    assert np.bincount(part.labels).tolist() == [3, 3]


def test_a_list_of_images_without_label_is_refused(opened, tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("3\n4\n5\n")
    config, _ = opened("mixed", **FINETUNE, label_file=str(path))
    with pytest.raises(errors.UserError) as caught:
        finetune.Finetuning().open_source(config)
    assert str(caught.value) == (
        "label_file must name images that have a label; 1 of the 3 in "
        f"{str(path)!r} have none"
    )
    path.write_text("3\n5\n")
    part = finetune.Finetuning().open_source(config)
    assert part.labels.tolist() == [0, 1]


def test_folders_without_classes_are_unlabelled(tmp_path, image_maker):
    image = image_maker.encode(image_maker.random_image(0))
    image_maker.write(str(tmp_path / "0.png"), image)
    source = catalog.open_source(f"folder:{tmp_path}", "train")
    assert labelled.count(source) == 0
