"""Small image files, folders and TFDS sets, made on the fly."""

import io
import os
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

NUM_FIXED, NUM_VARIED, NUM_VARIED_TEST = 20, 23, 9


def encode(array, image_format="PNG", mode=None, **options):
    """Bytes of an image file of uint8 [H, W, 3 or 4]."""
    image = Image.fromarray(array)
    buffer = io.BytesIO()
    image.convert(mode or image.mode).save(buffer, image_format, **options)
    return buffer.getvalue()


def random_image(seed, height=6, width=9, channels=3):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (height, width, channels), np.uint8)


def varied_image(index):
    return random_image(index, height=5 + index % 4, width=6 + index % 3)


def claim_size(encoded, height, width):
    """The same JPEG claiming another size."""
    start = encoded.index(b"\xff\xc0") + 5
    size = struct.pack(">HH", height, width)
    return encoded[:start] + size + encoded[start + 4 :]


def write(path, content):
    tf.io.gfile.makedirs(os.path.dirname(path))
    if tf.io.gfile.exists(path):  # ram:// would append
        tf.io.gfile.remove(path)
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)


@pytest.fixture(scope="session")
def image_maker():
    """Namespace of the functions above, for test modules."""

    class Maker:
        encode = staticmethod(encode)
        random_image = staticmethod(random_image)
        varied_image = staticmethod(varied_image)
        claim_size = staticmethod(claim_size)
        write = staticmethod(write)

    return Maker


@pytest.fixture(params=["local", "ram"])
def labelled_folder(request, tmp_path):
    """PATH of 7 PNG files in classes "ant" (4) and "bee" (3)."""
    root = str(tmp_path / "pictures")
    if request.param == "ram":
        root = "ram://" + root.replace("/", "_")
    for index in range(7):
        name = "ant" if index < 4 else "bee/nested"
        content = encode(varied_image(index))
        write(os.path.join(root, name, f"{index}.png"), content)
    write(os.path.join(root, "ant", "notes.txt"), b"no image")
    write(os.path.join(root, "ant", ".hidden.png"), b"no image")
    return root


@pytest.fixture(scope="session", params=("array", "path", "stream"))
def source(request, tfds_dir, tmp_path_factory):
    """23 (20 in memory) labelled images of each kind of source."""
    from simclr_tf.data import catalog

    if request.param != "path":
        name = {"array": "tiny_fixed", "stream": "tiny_varied"}[request.param]
        return catalog.open_source(name, "train", data_dir=tfds_dir)
    root = str(tmp_path_factory.mktemp("varied"))
    for index in range(NUM_VARIED):
        path = os.path.join(root, str(index % 3), f"{index:02}.png")
        write(path, encode(varied_image(index)))
    return catalog.open_source(f"folder:{root}", "train")


@pytest.fixture(scope="session")
def tfds_dir(tmp_path_factory):
    """data_dir with "tiny_fixed", "tiny_varied" and "tiny_secret"."""
    import tensorflow_datasets as tfds

    data_dir = str(tmp_path_factory.mktemp("tfds"))

    def store(name, shape, splits, label):
        tfds.dataset_builders.store_as_tfds_dataset(
            name=name,
            version="1.0.0",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=shape),
                    "label": label,
                    "mask": tfds.features.Image(shape=(None, None, 1)),
                }
            ),
            split_datasets=splits,
            data_dir=data_dir,
            disable_shuffling=True,
        )

    classes = tfds.features.ClassLabel(names=["ant", "bee", "cat"])
    fixed = [random_image(i, 8, 8, 1) for i in range(NUM_FIXED)]
    varied = [varied_image(i) for i in range(NUM_VARIED + NUM_VARIED_TEST)]
    store("tiny_fixed", (8, 8, 1), {"train": _rows(fixed)}, classes)
    parts = {
        "train": _rows(varied[:NUM_VARIED]),
        "test": _rows(varied[NUM_VARIED:], start=NUM_VARIED),
    }
    store("tiny_varied", (None, None, 3), parts, classes)
    store(
        "tiny_secret",
        (8, 8, 1),
        {"train": _rows(fixed, labelled=False)},
        classes,
    )
    return data_dir


def _rows(pictures, *, start=0, labelled=True):
    blank = np.zeros((2, 2, 1), np.uint8)
    return [
        (
            index,
            {
                "image": picture,
                "label": (start + index) % 3 if labelled else -1,
                "mask": blank,
            },
        )
        for index, picture in enumerate(pictures)
    ]
