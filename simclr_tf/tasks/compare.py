"""`--mode=compare`: whether two runs differ."""

from simclr_tf import errors


def run(config):
    """Not written yet."""
    raise errors.UserError("compare is not available yet")
