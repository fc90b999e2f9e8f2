"""Graphs of a run, given back when it is over."""

import contextlib
import gc
import re

from tensorflow.python.framework import ops  # no public way leads there

_MADE_UP = re.compile(r"-\d+$")  # "CustomGradient-8495"


@contextlib.contextmanager
def released():
    """Lets go of the graphs that are traced within.

    TensorFlow registers a gradient of its own for every `tf.custom_gradient`
    that it traces, those of its collectives included. The name is new each
    time, is never removed, and holds the whole graph with the model: some 40
    MB for each run of a process. Graphs that are traced within cannot be
    differentiated afterwards.
    """
    registered = getattr(ops.gradient_registry, "_registry", {})
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            if _MADE_UP.search(name):
                del registered[name]
        gc.collect()  # graphs and models refer to themselves
