"""`--extend`: a finished run goes on, by a new schedule from its last weights.

The steps at which schedules began are recorded with the run, so that the rate
stays a function of the step alone and a resumed run goes on bit for bit.
"""

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint
from simclr_tf.setup import model_dir


def extended(config, plan):
    """The plan of a run with the schedules that it has had before.

    Args:
        config: a `Config` with `model_dir`.
        plan: a `plan_of_run.Plan` of the whole run.

    Returns:
        A `Plan`.

    Raises:
        errors.UserError: if there is to be one more, and no finished run.
    """
    former = model_dir.read_run(config.model_dir)
    if former is None:
        if config.extend:
            raise errors.UserError(
                f"model_dir must hold a finished run to extend; got "
                f"{config.model_dir!r}"
            )
        return plan
    facts = former["facts"]
    starts = facts.get(model_dir.STARTS, [])
    if config.extend or starts:
        model_dir.check_facts(facts, config.model_dir)
        _check_rising(starts, facts["train_steps"], config.model_dir)
    if model_dir.is_longer(config, plan.total_steps, facts):
        check_finished(config.model_dir, facts["train_steps"])
        starts = [*starts, facts["train_steps"]]
    return plan._replace(starts=tuple(starts))


def check_finished(directory, last_step):
    """Raises `UserError` if a run has not reached its last step.

    Args:
        directory: its `model_dir`.
        last_step: of its record.
    """
    newest = max(checkpoint.committed_steps(directory), default=0)
    if newest < last_step:
        raise errors.UserError(
            f"model_dir must hold a finished run to extend; {directory!r} is "
            f"at step {newest} of {last_step}: finish it first, by the command "
            "it was begun with"
        )


def _check_rising(starts, total_steps, directory):
    """Raises `UserError` for a record that no run has written."""
    is_whole = isinstance(starts, list) and all(
        isinstance(place, int) for place in (*starts, total_steps)
    )
    places = [0, *starts, total_steps] if is_whole else []
    if not is_whole or places != sorted(set(places)):
        raise errors.UserError(
            f"model_dir must hold a whole {model_dir.CONFIG_FILE}; that in "
            f"{directory!r} has {model_dir.STARTS}={starts!r} of "
            f"{total_steps!r} steps"
        )
