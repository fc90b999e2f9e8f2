"""Weights of an opened checkpoint, put into a model."""

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import official, opened, state, tf1, weights


def load(found, model, *, skip=()):
    """Fills a built model; all is read before anything is assigned.

    Args:
        found: an `opened.Opened`.
        model: a built `SimCLR`; of official checkpoints, over a `ResNet`.
        skip: Keras variables that keep the values they have.

    Returns:
        The `weights.Match` of what was to be loaded. Heads that the model
        does not have are among its `unexpected`.

    Raises:
        errors.UserError: if the file is damaged, matches nothing, lacks a
            variable, or holds one of the encoder that the model lacks.
    """
    table = named_variables(model, found.kind)
    skipped = {id(variable.value) for variable in skip}
    left = {name for name, value in table.items() if id(value) in skipped}
    table = {name: v for name, v in table.items() if name not in left}
    shapes = {name: s for name, s in found.shapes.items() if name not in left}
    match = weights.match(table, shapes)
    _check(match, found, model)
    arrays = _read(found, match.matched)
    for name, array in arrays.items():
        table[name].assign(array)
    return match


def named_variables(model, kind):
    """The model's `tf.Variable`s by the names of a kind of checkpoint."""
    if kind == opened.OFFICIAL_TF1:
        named = tf1.tf1_variables(model)
    elif kind in (opened.OFFICIAL_TF2, opened.OFFICIAL_SAVED_MODEL):
        named = official.tf2_variables(model)
    else:
        return weights.variable_table(state.TrainState(model, None))
    return {name: variable.value for name, variable in named.items()}


def encoder_prefix(model, kind):
    """What names of the encoder's variables begin with."""
    if kind == opened.OFFICIAL_TF1:
        return tf1.ENCODER
    if kind in (opened.OFFICIAL_TF2, opened.OFFICIAL_SAVED_MODEL):
        return official.ENCODER
    return f"model/{model.name}/{model.encoder.name}/"


def _check(match, found, model):
    prefix = encoder_prefix(model, found.kind)
    foreign = [name for name in match.unexpected if name.startswith(prefix)]
    if match.missing or match.misshapen or foreign or not match.matched:
        raise errors.UserError(
            f"checkpoint must hold this model's weights; {found.path!r}, "
            f"{found.kind}: {match}"
        )


def _read(found, names):
    try:
        reader = tf.compat.v1.train.NewCheckpointReader(found.prefix)
        return {name: reader.get_tensor(found.keys[name]) for name in names}
    except weights.DAMAGE as error:
        raise errors.UserError(
            f"checkpoint must be readable; {found.path!r}: "
            f"{weights.first_line(error)}"
        ) from error
