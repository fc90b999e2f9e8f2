"""Proof that training left alone what it was not to touch."""

from absl import logging

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

    def prove(self):
        """Logs that nothing has changed, with the hashes.

        Raises:
            RuntimeError: if something has.
        """
        after = fingerprint.of_model(self._model)
        if after != self._before:
            raise RuntimeError(f"the frozen {self._name} has changed")
        logging.info(
            "the %s is what it was: weights %.12s, statistics %.12s",
            self._name,
            after.weights,
            after.statistics,
        )
