"""Hashes of a model's variables, to prove that nothing touched them."""

import hashlib
import typing

import numpy as np

from simclr_tf.models import norm


class Fingerprint(typing.NamedTuple):
    """Hashes, 64 hexadecimal digits each.

    Attributes:
        weights: of all variables but the following.
        statistics: of the moving means and variances of batch norm.
    """

    weights: str
    statistics: str

    @property
    def short(self):
        """What to call a directory of what was made of the model."""
        return of_variables({f"{self.weights} {self.statistics}": 0})[:16]

    def __str__(self):
        """The first digits of both."""
        return (
            f"weights {self.weights[:12]}, "
            f"batch-norm statistics {self.statistics[:12]}"
        )


def of_model(model):
    """The `Fingerprint` of a Keras model that has been built.

    Statistics are found by the layers' type, and whether a variable is
    trainable plays no part, so that freezing a model changes nothing.

    Raises:
        ValueError: if two variables share a path, as one would go unseen.
    """
    moving = {id(variable) for variable in norm.statistics_of(model)}
    kinds = {True: {}, False: {}}
    for variable in model.weights:
        named = kinds[id(variable) in moving]
        if variable.path in named:
            raise ValueError(f"two variables are called {variable.path}")
        named[variable.path] = variable
    return Fingerprint(of_variables(kinds[False]), of_variables(kinds[True]))


def of_variables(named):
    """SHA-256 over names, dtypes, shapes and bytes.

    Args:
        named: dict of name -> variable, tensor or array; order plays no
            part.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(named):
        value = np.asarray(named[name])
        digest.update(f"{name}|{value.dtype}|{value.shape}|".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
