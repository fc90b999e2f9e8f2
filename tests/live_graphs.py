"""How many graphs this process holds, for tests of what is let go."""

import gc

import tensorflow as tf


def count():
    """Graphs of functions that something still refers to."""
    graph_type = type(tf.function(tf.abs).get_concrete_function(1.0).graph)
    gc.collect()
    return sum(isinstance(each, graph_type) for each in gc.get_objects())
