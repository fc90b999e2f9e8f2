"""Images that show several classes, in a set of the form of VOC 2007."""

import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.data import catalog, label_files, multi_hot, pipeline, sources

CLASSES = ("ant", "bee", "cat", "dog")
# For each image (class, is difficult) of its objects, and its labels.
OBJECTS = (
    ([(0, False)], [1, 0, 0, 0]),
    ([(1, False), (1, False), (3, False)], [0, 1, 0, 1]),
    ([(2, True)], [0, 0, -1, 0]),
    ([(2, True), (2, False), (0, True)], [-1, 0, 1, 0]),
    ([], [0, 0, 0, 0]),
)
LABELS = np.array([labels for _, labels in OBJECTS], np.int32)


@pytest.fixture(scope="module")
def voc_dir(tmp_path_factory, image_maker):
    """data_dir with "tiny_voc" and, of one image size, "tiny_fixed_voc"."""
    import tensorflow_datasets as tfds

    data_dir = str(tmp_path_factory.mktemp("tfds"))
    classes = tfds.features.ClassLabel(names=CLASSES)
    for name, side in (("tiny_voc", None), ("tiny_fixed_voc", 8)):
        features = {
            "image": tfds.features.Image(shape=(side, side, 3)),
            "image/filename": tfds.features.Text(),
            "objects": tfds.features.Sequence(
                {
                    "label": classes,
                    "bbox": tfds.features.BBoxFeature(),
                    "is_difficult": np.bool_,
                }
            ),
            "labels": tfds.features.Sequence(classes),
        }
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(features),
            split_datasets={"train": list(enumerate(rows(image_maker, side)))},
            data_dir=data_dir,
            disable_shuffling=True,
        )
    return data_dir


def rows(image_maker, side):
    import tensorflow_datasets as tfds

    box = tfds.features.BBox(0.0, 0.0, 1.0, 1.0)
    for index, (objects, _) in enumerate(OBJECTS):
        height, width = (side, side) if side else (5 + index, 7)
        yield {
            "image": image_maker.random_image(index, height, width),
            "image/filename": f"{index:06}.jpg",
            "objects": [
                {
                    "label": label,
                    "bbox": box,
                    "is_difficult": is_difficult,
                }
                for label, is_difficult in objects
            ],
            "labels": sorted({label for label, _ in objects}),
        }


@pytest.fixture(params=["tiny_voc", "tiny_fixed_voc"])
def source(request, voc_dir):
    return catalog.open_source(
        request.param, "train", data_dir=voc_dir, multi_label=True
    )


def test_labels_are_multi_hot(source):
    assert source.is_multi_label
    assert source.class_names == CLASSES
    assert source.num_classes == len(CLASSES)
    labels = sources.read_labels(source)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.int32


def test_labels_of_a_part(source):
    part = sources.take(source, [3, 0])
    np.testing.assert_array_equal(part.labels, LABELS[[0, 3]])
    assert part.is_multi_label


def test_an_evaluation_batch_has_a_row_of_labels_per_image(source):
    (batch,) = pipeline.eval_dataset(source, batch_size=8, image_size=8)
    assert batch["labels"].shape == (8, len(CLASSES))
    real = batch["mask"].numpy() > 0
    np.testing.assert_array_equal(batch["labels"][real], LABELS)


def test_file_names_are_known(source, tmp_path):
    path = tmp_path / "list"
    path.write_text("000003.jpg\n000001.jpg\n")
    assert label_files.read(str(path), source) == [1, 3]


def test_unless_asked_for_there_are_no_labels(voc_dir):
    source = catalog.open_source("tiny_voc", "train", data_dir=voc_dir)
    assert source.num_classes is None
    assert not source.is_multi_label


def test_sets_without_objects(tfds_dir):
    with pytest.raises(errors.UserError, match="annotated 'objects'"):
        catalog.open_source(
            "tiny_fixed", "train", data_dir=tfds_dir, multi_label=True
        )
    with pytest.raises(errors.UserError, match="multi_label must be off"):
        catalog.open_source("digits", "train", multi_label=True)


def test_difficulty_may_be_unknown():
    encoded = multi_hot.encode({"label": tf.constant([2, 0])}, num_classes=4)
    assert encoded.numpy().tolist() == [1, 0, 1, 0]
