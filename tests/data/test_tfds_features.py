"""TFDS sets whose features are of other types than those that are read."""

import command_line
import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.data import catalog

BLANK = np.zeros((8, 8, 3), np.uint8)
ACCEPTED_LABEL = (
    "labels must be a feature 'label' of type ClassLabel with its classes, and "
    "there are "
)
ACCEPTED_IMAGE = "must have a feature 'image' of type Image and uint8"


@pytest.fixture
def store(tmp_path):
    """Prepares a set of four equal examples, and opens it."""
    import tensorflow_datasets as tfds

    def store(features, example, **options):
        tfds.dataset_builders.store_as_tfds_dataset(
            name="odd",
            version="1.0.0",
            features=tfds.features.FeaturesDict(features(tfds.features)),
            split_datasets={"train": [(i, example) for i in range(4)]},
            data_dir=str(tmp_path),
        )
        return catalog.open_source(
            "odd", "train", data_dir=str(tmp_path), download=False, **options
        )

    return store


LABELS = {
    "string": (lambda f: f.Text(), "cat", "Text"),
    "nested": (
        lambda f: f.FeaturesDict(
            {"coarse": f.ClassLabel(num_classes=2), "name": f.Text()}
        ),
        {"coarse": 1, "name": "cat"},
        "dict of coarse, name",
    ),
    "several": (
        lambda f: f.Sequence(f.ClassLabel(num_classes=3)),
        [0, 2],
        "Sequence of ClassLabel",
    ),
    "number": (lambda f: f.Scalar(np.int64), 1, "Scalar int64"),
    "numbers": (
        lambda f: f.Tensor(shape=(3,), dtype=np.float32),
        np.zeros(3, np.float32),
        "Tensor float32",
    ),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_other_types_are_named(store, kind):
    label, value, named = LABELS[kind]
    source = store(
        lambda f: {"image": f.Image(shape=(8, 8, 3)), "label": label(f)},
        {"image": BLANK, "label": value},
    )
    assert source.num_classes is None
    why = f"{ACCEPTED_LABEL}image (Image uint8), label ({named})"
    assert source.notes == (why,)
    assert source.has_no_labels() == f"'odd' split 'train' has none: {why}"


def test_labels_of_another_name_are_named(store):
    source = store(
        lambda f: {"image": f.Image(shape=(8, 8, 3)), "class": f.Text()},
        {"image": BLANK, "class": "cat"},
    )
    (why,) = source.notes
    assert why.endswith("class (Text), image (Image uint8)")


def test_labels_that_are_secret_are_named(store):
    source = store(
        lambda f: {
            "image": f.Image(shape=(8, 8, 3)),
            "label": f.ClassLabel(num_classes=2),
        },
        {"image": BLANK, "label": -1},
    )
    assert source.notes == (
        "every label is -1, which stands for one kept secret",
    )


def test_labels_that_are_read_need_no_note(store):
    source = store(
        lambda f: {
            "image": f.Image(shape=(8, 8, 3)),
            "label": f.ClassLabel(num_classes=2),
        },
        {"image": BLANK, "label": 1},
    )
    assert source.num_classes == 2
    assert source.notes == ()


IMAGES = {
    "16 bits": (
        lambda f: {"image": f.Image(shape=(8, 8, 1), dtype=np.uint16)},
        {"image": np.zeros((8, 8, 1), np.uint16)},
        "image (Image uint16)",
    ),
    "video": (
        lambda f: {"image": f.Video(shape=(2, 8, 8, 3))},
        {"image": np.stack([BLANK, BLANK])},
        "image (Video of Image uint8)",
    ),
    "numbers": (
        lambda f: {"image": f.Tensor(shape=(8, 8, 3), dtype=np.uint8)},
        {"image": BLANK},
        "image (Tensor uint8)",
    ),
    "nested": (
        lambda f: {"data": f.FeaturesDict({"image": f.Image()})},
        {"data": {"image": BLANK}},
        "data (dict of image)",
    ),
    "another name": (
        lambda f: {"picture": f.Image(), "caption": f.Text()},
        {"picture": BLANK, "caption": "a cat"},
        "caption (Text), picture (Image uint8)",
    ),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_images_of_other_types_are_named(store, kind):
    features, example, named = IMAGES[kind]
    with pytest.raises(errors.UserError, match=ACCEPTED_IMAGE) as caught:
        store(features, example)
    assert str(caught.value).endswith(f"; 'odd' has {named}")


def test_objects_of_other_types_are_named(store):
    with pytest.raises(errors.UserError, match="to be multi-label") as caught:
        store(
            lambda f: {"image": f.Image(), "objects": f.Sequence(f.Text())},
            {"image": BLANK, "objects": ["a cat"]},
            multi_label=True,
        )
    assert str(caught.value).endswith(
        "'odd' has image (Image uint8), objects (Sequence of Text)"
    )


def test_the_program_says_so(store, tmp_path):
    store(
        lambda f: {"image": f.Image(shape=(8, 8, 3)), "label": f.Text()},
        {"image": BLANK, "label": "cat"},
    )
    outcome = command_line.run(
        *command_line.TINY,
        "--dataset=odd",
        f"--data_dir={tmp_path}",
        "--train_batch_size=4",
        "--lineareval_while_pretraining",
        f"--model_dir={tmp_path}/run",
    )
    assert outcome.code == 1
    assert outcome.lines == [
        "simclr-tf: lineareval_while_pretraining needs labels; 'odd' split "
        f"'train' has none: {ACCEPTED_LABEL}image (Image uint8), label (Text)"
    ]
