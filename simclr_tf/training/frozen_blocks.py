"""Which part of a network fine-tuning leaves alone."""

from simclr_tf import errors

EVERYTHING = -1
"""Of `after_block`: nothing is frozen."""
HEAD_ONLY = 4
"""Of `after_block`: the whole encoder is frozen."""


def freeze(model, after_block):
    """Makes fine-tuning start after a block group of the encoder.

    What lies before is frozen whole: its weights get no gradient, and its
    batch norm works by the moving statistics, which stay as they are, in
    training too. So does official tf2/; its TF1 release let them move unless
    the whole encoder was frozen. Behind the block all is trained as ever, the
    projection head with it.

    Call it before the optimizer is built: an optimizer knows only the
    variables it was built on.

    Args:
        model: a built `SimCLR`. Of an encoder without block groups, all or
            nothing can be frozen.
        after_block: -1 to train everything; 0 to freeze the stem; k to freeze
            stem and block groups 1 to k; 4 to train the heads alone.

    Returns:
        The model's trainable variables, a list, all that is not frozen.

    Raises:
        errors.UserError: if there is no such block.

    Source: official tf2/resnet.py, `fine_tune_after_block`.
    """
    for part in frozen_parts(model.encoder, after_block):
        part.trainable = False
    return list(model.trainable_variables)


def reached_variables(model):
    """The trainable variables that the classifier's loss reaches, a list.

    Projection layers past `ft_proj_selector` are trainable but lead nowhere
    (and a weight decay among the losses shrinks them, as officially).

    Args:
        model: a built `SimCLR`.
    """
    selector = model.ft_proj_selector % model.projection_head.num_stages
    unused = {
        id(variable)
        for layer in model.projection_head.layers[selector:]
        for variable in layer.trainable_variables
    }
    return [v for v in model.trainable_variables if id(v) not in unused]


def frozen_parts(encoder, after_block):
    """The layers that `freeze` freezes whole, a tuple.

    Args:
        encoder: a built encoder.
        after_block: as of `freeze`.

    Raises:
        errors.UserError: if there is no such block.
    """
    if after_block == EVERYTHING:
        return ()
    if after_block == HEAD_ONLY:
        return (encoder,)
    has_groups = hasattr(encoder, "block_groups")
    if not has_groups or after_block not in range(HEAD_ONLY):
        blocks = "from -1 to 4" if has_groups else "-1 or 4 for this encoder"
        raise errors.UserError(
            f"fine_tune_after_block must be {blocks}; got {after_block!r}"
        )
    return (encoder.stem, *encoder.block_groups[:after_block])
