"""The same from Python, for notebooks and scripts."""

import os

from simclr_tf.config import Config
from simclr_tf.tasks import components, given_checkpoint
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


def load_model(path, **flags):
    """The network in a checkpoint of any kind, with its weights.

    Args:
        path: a `model_dir`, a checkpoint, or a SavedModel, ours or official.
        **flags: fields of `Config` that a checkpoint does not tell, such as
            `image_size` or `ft_proj_selector`.

    Returns:
        A built `SimCLR` for one device, its supervised head included where
        there is one.

    Raises:
        errors.UserError: if the path holds no such network, or a flag
            describes another one.
    """
    config = Config(mode="eval", checkpoint=os.fspath(path), **flags)
    config, facts = given_checkpoint.recall(config)
    model = components.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(path, model)
    return model
