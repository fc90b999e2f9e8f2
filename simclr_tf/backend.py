"""Keras' backend, which has to be TensorFlow here."""

import os
import sys

VARIABLE = "KERAS_BACKEND"
TENSORFLOW = "tensorflow"


def use_tensorflow():
    """Chooses TensorFlow before Keras is imported.

    The variable goes before `keras.json`. One line on stderr says so where
    the user has set another.

    Raises:
        ImportError: if Keras has been imported with another backend.
    """
    if "keras" in sys.modules:
        chosen = sys.modules["keras"].config.backend()
        if chosen != TENSORFLOW:
            raise ImportError(
                f"simclr_tf needs Keras with the backend {TENSORFLOW!r}; it "
                f"was imported with {chosen!r}: import simclr_tf first, or "
                f"set {VARIABLE}={TENSORFLOW}"
            )
        return
    asked = os.environ.get(VARIABLE, TENSORFLOW)
    if asked != TENSORFLOW:
        print(
            f"simclr_tf: {VARIABLE}={asked} gives way to {TENSORFLOW}, which "
            "this package is made of",
            file=sys.stderr,
        )
    os.environ[VARIABLE] = TENSORFLOW
