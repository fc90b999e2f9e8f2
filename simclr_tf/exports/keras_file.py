"""The whole model as a `.keras` file: configuration and weights."""

import os

FILE = "model.keras"


def write(model, temporary_directory, *, image_size):
    """Writes `model.keras`, for `keras.models.load_model`.

    The file holds no optimizer and nothing else of training: a copy of the
    model is what is saved. The reader imports `simclr_tf`, before Keras or
    after it, which registers its classes.

    Args:
        model: a built `simclr.SimCLR`, of an encoder that Keras can
            serialise.
        temporary_directory: an existing directory, remote ones included.
        image_size: side in pixels that the reader builds the model at.

    Returns:
        The path of the file.
    """
    path = os.path.join(temporary_directory, FILE)
    model.copy_on(image_size).save(path)
    return path
