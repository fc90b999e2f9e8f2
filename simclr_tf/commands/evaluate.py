"""`--mode=eval`: scores checkpoints, writes results, exports."""

import os
import time

from absl import logging

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint
from simclr_tf.commands import export as export_task
from simclr_tf.commands import transfer
from simclr_tf.scoring import eval_checks, frozen, results, supervised_scores
from simclr_tf.setup import (
    devices,
    given_checkpoint,
    given_data,
    model_dir,
    networks,
)
from simclr_tf.training import writer

TOP_1, TOP_5 = (f"eval/label_top_{k}_accuracy" for k in (1, 5))
PER_CLASS = "eval/mean_per_class_accuracy"
POLL_SECS = 5.0
"""Between looks for a new checkpoint."""


def run(config, *, follow=True):
    """Evaluates checkpoints of `model_dir` until the run is complete.

    Each is scored, written to `result.json` and `result_<step>.json`, and
    exported to `saved_model/<step>`. Pictures are drawn last: no result is
    lost where one fails.

    Args:
        config: a `Config`; fields not set are taken from the run.
        follow: wait for new checkpoints until one has reached the last
            step, as the official code does; else score the newest only.

    Returns:
        The last result, a dict.

    Raises:
        errors.UserError: if there is nothing to score or to score with.
    """
    export_task.check_format(config)
    config, facts = given_checkpoint.recall(config)
    devices.configure(config)
    if not config.model_dir:
        raise errors.UserError(
            "model_dir must be given for the results, as the checkpoint "
            f"belongs to no run; got {config.model_dir!r}"
        )
    scored = given_data.settle_scoring(config, facts)
    source = eval_checks.open_source(scored, facts)
    if source is not None:
        results.check_images(scored)
    model_dir.make_directory(config.model_dir)
    model = networks.make_eval_model(config, num_classes=facts["num_classes"])
    result = None
    for path in checkpoints_to_score(config, facts["train_steps"], follow):
        step = given_checkpoint.load(path, model).step
        head = supervised_scores.head_name(config, facts)
        result, pictures = score(scored, model, source, path, step, head=head)
        write_result(scored, result, step, line=headline(source, result, head))
        export_task.export_step(config, model, step, facts)
        for draw in pictures:
            draw()
    return result


def checkpoints_to_score(config, last_step, follow):
    """Yields paths of checkpoints to score, the newest at each look.

    Args:
        config: a recalled `Config`; the `checkpoint` it was found by is
            scored alone.
        last_step: the step at which the run is complete.
        follow: wait for more until `last_step`.

    Raises:
        errors.UserError: if there is no checkpoint and none is awaited.
    """
    directory, scored = config.model_dir, None
    if config.checkpoint:
        yield config.checkpoint
        return
    while scored is None or (follow and scored < last_step):
        newest = checkpoint.newest_whole(directory)
        if newest is not None and newest != scored:
            scored = newest
            yield os.path.join(directory, f"ckpt-{scored}")
        elif _is_last_damaged(directory, last_step):
            if scored is None:
                raise errors.UserError(
                    f"model_dir must hold a checkpoint that can be read; none "
                    f"of those in {directory!r} can, and the run is complete"
                )
            return
        elif follow:
            logging.log_first_n(
                logging.INFO,
                "waiting for a checkpoint in %s: it has those of step %s, the "
                "run ends at %d",
                1,
                directory,
                scored or "none",
                last_step,
            )
            time.sleep(POLL_SECS)
        else:
            raise errors.UserError(
                f"model_dir must hold a checkpoint; got {directory!r}"
            )


def _is_last_damaged(directory, last_step):
    """Whether the last checkpoint is there, though no better one will come."""
    return checkpoint.committed_steps(directory)[-1:] >= [last_step]


def score(config, model, source, path, step, *, head):
    """Every number of one checkpoint.

    Args:
        config: a recalled `Config`.
        model: the network, with the checkpoint's weights.
        source: of `eval_checks.open_source`.
        path: of the checkpoint.
        step: that it was reached at.
        head: what to call its supervised head.

    Returns:
        (result, pictures): a dict with the official keys, and the protocols'
        under their names; and a list of functions without arguments, each of
        which draws pictures of the report.
    """
    result, pictures = {"global_step": step}, []
    if source is not None:
        result |= results.images_of(config)
    if source is not None and model.supervised_head is not None:
        scores, draw = supervised_scores.score(
            config, model, source, step, head=head
        )
        result |= scores
        pictures.append(draw)
    if config.eval_protocol == "frozen":
        result["frozen"], draw = frozen.run(config, model, source, step)
        pictures.append(draw)
    if config.eval_protocol == "transfer":
        former = results.former(config, step).get("transfer", {})
        result["transfer"] = transfer.run(config, model, path, step, former)
    return result, pictures


def headline(source, result, head):
    """The supervised head's scores in a line; None where there are none.

    Args:
        source: of `eval_checks.open_source`.
        result: of `score`.
        head: what to call the head.
    """
    if TOP_1 not in result:
        return None
    names = {TOP_1: "top-1", TOP_5: "top-5", PER_CLASS: "mean per class"}
    if source.num_classes <= 5:
        del names[TOP_5]  # nothing could be wrong
    scores = [f"{name} {result[key]:.2%}" for key, name in names.items()]
    return f"{source.name} {source.split}: {head} {', '.join(scores)}"


def write_result(config, result, step, *, line):
    """Writes the result files and TensorBoard scalars, and logs a line."""
    results.write(config, result, step)
    scalars = {k: v for k, v in result.items() if k.startswith("eval/")}
    if scalars:
        writer.write_events(config.model_dir, step, scalars)
    if line:
        logging.info("step %d  %s", step, line)
