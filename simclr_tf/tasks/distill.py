"""`--train_mode=distill`: what learning from a teacher has of its own."""

from simclr_tf import errors


def run(config):
    """Not written yet."""
    raise errors.UserError("distill is not available yet")
