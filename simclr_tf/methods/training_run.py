"""A run of training, from its configuration to its last step.

What is the same whatever is trained: resuming, the record in `model_dir`, the
loop and what happens beside it. What differs is a `recipe.Recipe`.
"""

import functools
import os
import typing

from absl import logging

from simclr_tf import cpu, distribution, errors
from simclr_tf.checkpoints import checkpoint
from simclr_tf.data import pipeline, unreadable
from simclr_tf.keras_api import model as keras_model
from simclr_tf.methods import announcement, extension, knn_monitor, saving
from simclr_tf.setup import (
    devices,
    given_checkpoint,
    model_dir,
    precision,
    run_lock,
)
from simclr_tf.training import (
    compilation,
    interruption,
    learning,
    loop,
    profile,
    progress,
    released_graphs,
    writer,
)

PROFILE_DIRECTORY = "profile"  # in model_dir
ROUNDING = ("precision", "num_replicas", "fused_bn", "tf32", "jit", "nt_xent")
"""Fields that a resumed run may change, and that change its last digits."""
NUM_SAMPLE_IMAGES = 8
"""Images whose views are shown in TensorBoard at the start."""


class Run(typing.NamedTuple):
    """Everything a run consists of, once it is opened.

    Attributes:
        config: a `Config`.
        recipe: a `recipe.Recipe`.
        strategy: the `tf.distribute` strategy.
        source: the training `Source`.
        plan: a `plan_of_run.Plan`.
        state: a `TrainState`.
    """

    config: typing.Any
    recipe: typing.Any
    strategy: typing.Any
    source: typing.Any
    plan: typing.Any
    state: typing.Any


class Result(typing.NamedTuple):
    """What a run of training comes to.

    Attributes:
        model: the trained `SimCLR`.
        step: the final step.
        metrics: dict of the name of each metric in `metrics.jsonl`, such as
            "train/contrast_loss", to its last value.
    """

    model: keras_model.SimCLR
    step: int
    metrics: dict[str, float]


@released_graphs.released()
def run(config, recipe):
    """Trains until exactly the planned step, resuming if it can.

    Args:
        config: a `Config` with `model_dir`.
        recipe: a `recipe.Recipe`.

    Returns:
        A `Result`; of a run that was complete, too.

    Raises:
        errors.UserError: if the configuration and the data do not fit.
        interruption.Interrupted: after a signal, with everything saved.
    """
    config = given_checkpoint.adopt_architecture(config)
    strategy = devices.make_strategy(config)
    source = recipe.open_source(config)
    plan = recipe.make_plan(config, source, strategy.num_replicas_in_sync)
    plan = extension.extended(config, plan)
    facts = recipe.facts(source, plan)
    model_dir.check_free(config, facts)
    recipe.check(config, source, plan)
    with strategy.scope():
        state = recipe.make_state(config, plan)
    opened = Run(config, recipe, strategy, source, plan, state)
    checkpoints = checkpoint.Checkpoints(
        config.model_dir, state, keep=config.keep_checkpoint_max
    )
    with run_lock.held(config.model_dir) as lock:
        model_dir.check_free(config, facts)  # now that no other can change it
        step = run_alone(opened, checkpoints, facts, lock)
    return Result(state.model, step, writer.last_values(config.model_dir))


def run_alone(opened, checkpoints, facts, lock):
    """Trains while no other process does in `model_dir`; returns the step."""
    config, recipe, source, plan, state = (
        opened.config,
        opened.recipe,
        opened.source,
        opened.plan,
        opened.state,
    )
    start(opened, checkpoints)
    model_dir.open_run(config, facts, step=state.step)
    announcement.show(opened)
    precision.warn_where_slow(config)
    if state.step >= plan.total_steps:
        logging.info("this run is complete: step %d", state.step)
        return state.step
    recipe.begin(opened)
    saver = saving.Saver(config, plan, checkpoints, lock, step=state.step)
    with unreadable.named(
        source,
        max_pixels=config.max_image_pixels,
        before=lambda: saver.save_before_leaving(state.step),
    ):
        step = train(opened, saver)
    recipe.end(opened)
    return step


def start(opened, checkpoints):
    """Resumes from `model_dir`, or else begins as the recipe says."""
    found = checkpoints.restore_latest()
    if found is None:
        opened.recipe.start(opened.config, opened.state)
    else:
        logging.info("resumed at step %d: %s", opened.state.step, found)
        warn_of_another_start(opened.config, opened.state.step)
        tell_of_another_machine(opened.config.model_dir, opened.state.step)
        tell_of_other_rounding(opened.config)


def warn_of_another_start(config, step):
    """Warns where `checkpoint` is not what a resumed run began from.

    Args:
        config: the run's `Config`.
        step: that it resumes at.
    """
    former = model_dir.read_run(config.model_dir)
    began = former["config"].checkpoint if former else None
    if config.checkpoint and config.checkpoint != began:
        logging.warning(
            "ignoring checkpoint=%r: resuming from ckpt-%d of this run, which "
            "started from %r",
            config.checkpoint,
            step,
            began,
        )


def tell_of_another_machine(directory, step):
    """Says that a run goes on under other arithmetic than it stopped in.

    Args:
        directory: the run's `model_dir`.
        step: of the checkpoint that it goes on from.
    """
    theirs, ours = checkpoint.machine_of(directory, step), cpu.record()
    if theirs is not None and theirs != ours:
        logging.info(
            "this run was computed on %s and resumes on %s: results agree to "
            "rounding, not bit for bit",
            cpu.describe(theirs),
            cpu.describe(ours),
        )


def train(opened, saver):
    """Runs the loop from the state's step to the plan's last.

    Args:
        opened: a `Run`.
        saver: its `saving.Saver`.

    Returns:
        The final step.
    """
    config, plan, state = opened.config, opened.plan, opened.state
    iterator = make_iterator(opened)
    call, headline = make_call(opened, make=how_to_call(config))
    metrics = writer.MetricsWriter(config.model_dir, start_step=state.step)
    write_sample_views(opened, metrics)
    chance = opened.recipe.chance(config, plan)
    shown = progress.Progress(
        total_steps=plan.total_steps,
        start_step=state.step,
        batch_size=config.train_batch_size,
        headline=headline,
        chance_loss=chance.loss,
    )
    learned = learning.Learning(
        total_steps=plan.total_steps, headline=headline, chance=chance
    )

    events = [
        loop.Event(plan.checkpoint_steps, saver.save_if_due),
        *opened.recipe.events(config, opened.source, state.model, metrics),
    ]
    with interruption.stop_on_signal() as asked_to_stop:
        step = loop.train(
            state,
            call=call,
            iterator=iterator,
            total_steps=plan.total_steps,
            events=events,
            report=make_report(opened, shown, metrics, learned),
            should_stop=asked_to_stop,
            steps_per_call=config.steps_per_loop,
        )
        if asked_to_stop():
            saver.save(step)
            logging.info(
                "stopped and saved at step %d; the same command goes on", step
            )
    shown.close()
    metrics.close()
    if config.profile:
        logging.info(call.close())
    asked_to_stop.raise_if_asked()
    logging.info("trained in %s", progress.format_secs(shown.seconds))
    tell_what_was_learned(learned, metrics)
    return step


def tell_of_other_rounding(config):
    """Says which settings that change rounding are not what they were."""
    former = model_dir.read_run(config.model_dir)
    changed = [
        f"{name}={getattr(config, name)!r} instead of "
        f"{getattr(former['config'], name)!r}"
        for name in (ROUNDING if former else ())
        if getattr(config, name) != getattr(former["config"], name)
    ]
    if changed:
        logging.info(
            "this run resumes with %s: results agree to rounding, not bit for "
            "bit",
            ", ".join(changed),
        )


def tell_what_was_learned(learned, metrics):
    """Logs how far the run came from chance, and warns if it did not."""
    logging.info(learned.summary(knn_monitor.last_found(metrics)))
    warning = learned.final_warning()
    if warning:
        logging.warning(warning)


def make_iterator(opened):
    """Batches from the state's step on, one slice per replica."""
    batch_size = opened.config.train_batch_size // opened.plan.num_replicas

    def dataset(context):
        if context.num_input_pipelines > 1:
            raise errors.UserError(
                f"training must be fed by one host; this strategy has "
                f"{context.num_input_pipelines}"
            )
        return make_dataset(opened, batch_size=batch_size)

    return iter(opened.strategy.distribute_datasets_from_function(dataset))


def make_dataset(opened, *, batch_size):
    """Training batches of `batch_size` images from the state's step on."""
    config = opened.config
    return pipeline.train_dataset(
        opened.source,
        batch_size=batch_size,
        start_position=opened.state.step * config.train_batch_size,
        seed=config.seed,
        crops=opened.recipe.make_crops(config),
        max_image_pixels=config.max_image_pixels,
    )


def how_to_call(config):
    """Many steps by a graph function, or one by one under `--profile`."""
    if not config.profile:
        return loop.make_train_call
    directory = os.path.join(config.model_dir, PROFILE_DIRECTORY)
    return functools.partial(profile.ProfiledCall, directory=directory)


def make_call(opened, *, make=loop.make_train_call):
    """The function that runs steps, and the metrics it is known by.

    Args:
        opened: a `Run`.
        make: `loop.make_train_call`, or the like.

    Returns:
        (what `make` returns, names of the step's loss and accuracy).
    """
    config, strategy = opened.config, opened.strategy
    compiles = compilation.choose(
        config.jit,
        device_type=distribution.device_type(strategy),
        num_replicas=strategy.num_replicas_in_sync,
    )
    views_of = compilation.compiled(
        opened.recipe.make_views(config, jit=compiles.views),
        is_compiled=compiles.one_program,
    )
    step = opened.recipe.make_step(
        config,
        opened.state,
        views_of,
        num_replicas=strategy.num_replicas_in_sync,
    )
    call = make(
        compilation.compiled(step, is_compiled=compiles.step),
        strategy,
        metric_names=step.metric_names,
    )
    return call, step.headline


def make_report(opened, shown, metrics, learned):
    """Returns what the loop calls after every graph call."""
    optimizer = opened.state.optimizer

    def report(step, num_steps, values):
        shown.add(step, num_steps, values)
        learned.add(num_steps, values)
        warning = learned.early_warning(step)
        if warning:
            logging.warning(warning)
        if not shown.is_due(step, opened.config.log_every_secs):
            shown.tell_first_speed(step)
            return
        rate = float(optimizer.learning_rate)
        means = shown.take(step, rate)
        speed = means.pop("images_per_sec")
        tags = {f"train/{name}": value for name, value in means.items()}
        metrics.scalars(
            step, tags | {"learning_rate": rate, "images_per_sec": speed}
        )

    return report


def write_sample_views(opened, metrics):
    """Shows what the network sees of the next images in TensorBoard."""
    batch_size = min(NUM_SAMPLE_IMAGES, opened.config.train_batch_size)
    dataset = make_dataset(opened, batch_size=batch_size)
    views_of = opened.recipe.make_views(opened.config, jit=False)
    views = views_of(next(iter(dataset)))
    metrics.images(opened.state.step, "image", views)
