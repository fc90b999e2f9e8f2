"""The formats that a network is exported in, by name."""

from simclr_tf.exports import hub, keras_file, onnx_file

NAMES = ("savedmodel", "keras", "onnx")


def check_available(name):
    """Raises `UserError` if what a format needs is not installed.

    Args:
        name: one of `NAMES`.
    """
    if name == "onnx":
        onnx_file.check_available()


def write(name, model, directory, *, image_size, class_names=None):
    """Writes the files of one format into an existing, empty directory.

    Args:
        name: one of `NAMES`.
        model: a built `SimCLR`, without synchronised batch norm.
        directory: where to.
        image_size: side in pixels that images were trained at.
        class_names: of the supervised head, or None; only a SavedModel holds
            them, elsewhere the metadata does.

    Returns:
        dict of facts for the metadata.
    """
    if name == "savedmodel":
        return hub.write(
            model, directory, image_size=image_size, class_names=class_names
        )
    writer = {"keras": keras_file, "onnx": onnx_file}[name]
    writer.write(model, directory, image_size=image_size)
    return {}
