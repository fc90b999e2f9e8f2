"""Proof that training left alone what it was not to touch."""

import tensorflow as tf
from absl import logging

from simclr_tf import files
from simclr_tf.evaluation import fingerprint


class Untouched:
    """Remembers a network, to compare it with what it is later."""

    def __init__(self, name, model):
        """Hashes the network.

        Args:
            name: what to call it, such as "encoder".
            model: a Keras model that has been built.
        """
        self._name = name
        self._model = model
        self._before = fingerprint.of_model(model)

    def keep(self, path, *, is_start):
        """Writes the hashes at a run's start, compares with them later on.

        So the proof spans a run that was interrupted.

        Args:
            path: of a JSON file, of this network or of several by name.
            is_start: whether the run has not taken a step yet.

        Raises:
            RuntimeError: if the network is not what it was at the start.
        """
        known = files.read_json(path) if tf.io.gfile.exists(path) else {}
        ours = self._before._asdict()
        if is_start:
            files.write_json(path, known | {self._name: ours})
        elif known.get(self._name, ours) != ours:
            raise RuntimeError(f"the frozen {self._name} has changed")

    def prove(self):
        """Logs that nothing has changed, with the hashes.

        Raises:
            RuntimeError: if something has.
        """
        after = fingerprint.of_model(self._model)
        if after != self._before:
            raise RuntimeError(f"the frozen {self._name} has changed")
        logging.info(
            "verified: %s unchanged, weights %.12s, statistics %.12s",
            self._name,
            after.weights,
            after.statistics,
        )
