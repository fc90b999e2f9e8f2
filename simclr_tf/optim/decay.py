"""Which variables are decayed, and weight decay as a loss.

Official convention: LARS decays inside its update, except for batch norm,
biases and the supervised head, and the head's kernel gets an L2 loss; other
optimisers get an L2 loss over everything but batch norm (biases included).
Callers choose by passing variables; nothing here looks for names.
"""

import tensorflow as tf


def is_kernel(variable):
    """Whether a variable is a matrix or filter, not a bias, scale or shift."""
    return len(variable.shape) > 1


def exclusion_flags(variables, exclude=(), *, exclude_vectors=True):
    """Marks the variables that are neither decayed nor adapted layer-wise.

    Args:
        variables: sequence of variables.
        exclude: paths (`path_of`) of variables to exclude besides.
        exclude_vectors: exclude all variables of rank 0 and 1.

    Returns:
        Tuple of bool, one per variable.

    Raises:
        ValueError: if a path in `exclude` belongs to no variable or to
            several of `variables`.
    """
    paths = [path_of(variable) for variable in variables]
    for path in exclude:
        if paths.count(path) != 1:
            raise ValueError(
                f"exclude must hold paths of exactly one variable each; got "
                f"{path!r}, the path of {paths.count(path)}"
            )
    return tuple(
        path in exclude or (exclude_vectors and not is_kernel(variable))
        for path, variable in zip(paths, variables, strict=True)
    )


def path_of(variable):
    """Path of a Keras variable, name of a plain one; a string is itself."""
    if isinstance(variable, str):
        return variable
    return getattr(variable, "path", variable.name)


def l2_loss(variables):
    """Half the sum of squares of all elements.

    Args:
        variables: iterable of variables or tensors; may be empty.

    Returns:
        float32 [], to be multiplied by the weight decay. Where gradients are
        summed over replicas, divide it by their number.

    Source: official tf2/model.py (`add_weight_decay`).
    """
    squares = [tf.nn.l2_loss(tf.cast(v, tf.float32)) for v in variables]
    return tf.add_n(squares) if squares else tf.constant(0.0)
