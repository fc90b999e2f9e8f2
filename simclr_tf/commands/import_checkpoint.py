"""`--mode=import`: any checkpoint becomes one of ours, in a `model_dir`."""

from absl import logging

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint, opened, state
from simclr_tf.setup import given_checkpoint, model_dir, networks


def run(config):
    """Writes `config.checkpoint` to `config.model_dir`.

    The weights and the step are kept, heads and all; optimizer slots and
    moving averages are left behind. The directory can be evaluated, exported,
    and given as `checkpoint` to train from.

    Args:
        config: a `Config` with `checkpoint` and `model_dir`.

    Returns:
        The prefix of the checkpoint written.

    Raises:
        errors.UserError: if `checkpoint` holds no SimCLR network or another
            one than the flags describe, or `model_dir` holds a run.
    """
    check_empty(config.model_dir)
    config = given_checkpoint.adopt_whole_network(config)
    found = opened.open_checkpoint(config.checkpoint)
    facts = given_checkpoint.facts_of(found)
    model = networks.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(config.checkpoint, model)
    checkpoint.check_finite(model, found.step)
    if model.supervised_head is not None:
        logging.info(
            "the supervised head is assumed to read ft_proj_selector=%d",
            config.ft_proj_selector,
        )
    model_dir.open_run(config, facts)
    checkpoints = checkpoint.Checkpoints(
        config.model_dir, state.TrainState(model, None)
    )
    prefix = checkpoints.save(found.step)
    logging.info("imported to %s", prefix)
    return prefix


def check_empty(path):
    """Raises `UserError` if a run, or a file, lies where one is to go."""
    model_dir.check_directory(path)
    if model_dir.read_run(path) or checkpoint.committed_steps(path):
        raise errors.UserError(
            f"model_dir must hold no run yet to import to; got {path!r}"
        )
    model_dir.check_no_checkpoints(path)
