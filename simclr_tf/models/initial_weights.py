"""Where the initial weights of a network are drawn from."""

import contextlib
import random


@contextlib.contextmanager
def drawn_from(seed):
    """A context in which new layers draw their weights from a seed.

    Keras' initializers take their seeds from Python's generator and from
    nothing else, when a layer is made or built. What the caller draws from it
    later is not touched: it has its former state again afterwards.

    Args:
        seed: int.
    """
    former = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(former)
