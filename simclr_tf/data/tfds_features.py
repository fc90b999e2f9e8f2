"""Which features of a TFDS set are read: the image, its labels, its name."""

import numpy as np

from simclr_tf import errors

_NAMES = ("file_name", "image/filename", "filename", "id")


def image_features(builder, dataset, multi_label):
    """What is read of an example.

    Args:
        builder: of the set.
        dataset: its name, for errors.
        multi_label: take the objects seen instead of the one class.

    Returns:
        `tfds.features.FeaturesDict` of "image"; and of "label", or "objects",
        where there are classes.

    Raises:
        errors.UserError: if there is no 8-bit image, or no objects.
    """
    import tensorflow_datasets as tfds

    features = dict(builder.info.features)
    image = features.get("image")
    if not isinstance(image, tfds.features.Image) or image.np_dtype != np.uint8:
        raise errors.UserError(
            f"dataset must have a feature 'image' of type Image and uint8 (or "
            f"be saved as image files, for folder:PATH); {dataset!r} has "
            f"{describe(features)}"
        )
    kept = {"image": image}
    if multi_label:
        kept["objects"] = _object_features(features, dataset)
        return tfds.features.FeaturesDict(kept)
    if _has_classes(features.get("label")):
        kept["label"] = features["label"]
    return tfds.features.FeaturesDict(kept)


def why_unlabelled(builder):
    """What kept labels from being read, for people; "" if nothing did.

    Args:
        builder: of the set.
    """
    features = dict(builder.info.features)
    if _has_classes(features.get("label")):
        return ""
    return (
        f"labels must be a feature 'label' of type ClassLabel with its "
        f"classes, and there are {describe(features)}"
    )


def describe(features):
    """Names and types of features, as TFDS calls them.

    Args:
        features: dict of name -> feature; TFDS keeps no order of them.
    """
    return ", ".join(f"{n} ({_kind(features[n])})" for n in sorted(features))


def label_feature(features):
    """The classes, a `ClassLabel`, or None.

    Args:
        features: of `image_features`.
    """
    features = dict(features)
    if "objects" in features:
        return features["objects"]["label"]
    return features.get("label")


def name_feature(builder):
    """The feature that names an image, alone in a dict; None if none has it.

    Args:
        builder: of the set.
    """
    import tensorflow_datasets as tfds

    features = dict(builder.info.features)
    for name in _NAMES:
        if isinstance(features.get(name), tfds.features.Text):
            return tfds.features.FeaturesDict({name: tfds.features.Text()})
    return None


def _object_features(features, dataset):
    """A sequence of "label" and, if known, "is_difficult"."""
    import tensorflow_datasets as tfds

    objects = features.get("objects")
    found = {}
    if isinstance(objects, tfds.features.Sequence) and isinstance(
        objects.feature, tfds.features.FeaturesDict
    ):
        found = dict(objects.feature)
    if not isinstance(found.get("label"), tfds.features.ClassLabel):
        raise errors.UserError(
            f"dataset must have annotated 'objects', a Sequence with a "
            f"ClassLabel 'label', to be multi-label; {dataset!r} has "
            f"{describe(features)}"
        )
    names = [name for name in ("label", "is_difficult") if name in found]
    return tfds.features.Sequence({name: found[name] for name in names})


def _has_classes(feature):
    import tensorflow_datasets as tfds

    is_class = isinstance(feature, tfds.features.ClassLabel)
    return is_class and bool(feature.num_classes)


def _kind(feature):
    """Such as "Image uint16", "Sequence of Text", "dict of coarse, fine"."""
    import tensorflow_datasets as tfds

    name = type(feature).__name__
    if isinstance(feature, tfds.features.FeaturesDict):
        return f"dict of {', '.join(sorted(feature))}"
    if isinstance(feature, tfds.features.Sequence):  # a Video is one as well
        return f"{name} of {_kind(feature.feature)}"
    if isinstance(feature, tfds.features.ClassLabel | tfds.features.Text):
        return name
    return f"{name} {np.dtype(feature.np_dtype).name}"
