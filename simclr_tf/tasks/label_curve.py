"""`--mode=label_curve`: accuracy against labels, by several methods."""

from simclr_tf import errors


def run(config):
    """Not written yet."""
    raise errors.UserError("label_curve is not available yet")
