"""The same from Python, for notebooks and scripts."""

from simclr_tf.tasks import pretrain as pretraining
from simclr_tf.training import console


def pretrain(config):
    """Pretrains as the command line does, showing its progress.

    Args:
        config: a `simclr_tf.Config` with `model_dir`.

    Returns:
        The final step.

    Raises:
        errors.UserError: if the configuration and the data do not fit.
    """
    console.speak_plainly()
    return pretraining.run(config)
