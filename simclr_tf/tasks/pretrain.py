"""`--train_mode=pretrain`: wires data, views, model, loss and loop."""

from absl import logging

from simclr_tf import distribution, errors
from simclr_tf.data import images, pipeline
from simclr_tf.losses import ntxent, ntxent_streaming
from simclr_tf.tasks import (
    announcement,
    components,
    evaluate,
    frozen,
    given_checkpoint,
    knn_monitor,
    model_dir,
    plan_of_run,
)
from simclr_tf.training import (
    batch_views,
    checkpoint,
    compilation,
    interruption,
    loop,
    microbatch,
    progress,
    steps,
    writer,
)

STREAMING_MIN_IMAGES = 2048
"""Images of a batch from which the streaming loss is no slower on a CPU, and
saves memory; see docs/performance.md."""
NUM_SAMPLE_IMAGES = 8
"""Images whose views are shown in TensorBoard at the start."""


def run(config):
    """Pretrains until exactly the planned step, resuming if it can.

    Args:
        config: a `Config` with `model_dir`.

    Returns:
        The final step.

    Raises:
        errors.UserError: if the configuration and the data do not fit.
        interruption.Interrupted: after a signal, with everything saved.
    """
    if config.train_mode != "pretrain":
        raise errors.UserError(
            f"train_mode must be pretrain here; got {config.train_mode!r}"
        )
    config = given_checkpoint.adopt_architecture(config)
    strategy = components.make_strategy(config)
    source = components.open_source(config, config.train_split)
    plan = plan_of_run.make_plan(config, source, strategy.num_replicas_in_sync)
    facts = plan_of_run.facts(source, plan)
    model_dir.check_free(config, facts)
    check_labels(config, source, plan)
    with strategy.scope():
        state = components.make_train_state(
            config,
            num_classes=plan.num_classes,
            total_steps=plan.total_steps,
            warmup_steps=plan.warmup_steps,
        )
    checkpoints = checkpoint.Checkpoints(
        config.model_dir, state, keep=config.keep_checkpoint_max
    )
    start(config, state, checkpoints)
    model_dir.open_run(config, facts)
    announcement.show(config, source, plan, state.model, strategy)
    if state.step >= plan.total_steps:
        logging.info("this run is complete: step %d", state.step)
        return state.step
    with images.naming_unreadable(source, max_pixels=config.max_image_pixels):
        return train(config, source, plan, state, strategy, checkpoints)


def check_labels(config, source, plan):
    """Refuses what will need labels later, before hours of training.

    Args:
        config: a `Config`.
        source: the training `Source`.
        plan: a `plan_of_run.Plan`.

    Raises:
        errors.UserError: if the kNN monitor or the evaluation that follows
            needs labels that are not there.
    """
    if config.knn_every_epochs and source.num_classes is None:
        raise errors.UserError(
            f"knn_every_epochs needs labels; {config.dataset!r} has none"
        )
    if config.mode == "train_then_eval":
        components.open_labelled(config, "eval_split")
        evaluate.check_protocol(config, has_probe=plan.num_classes is not None)
        if config.eval_protocol == "frozen":
            components.check_labelled(source, "train_split")
            frozen.check_budgets(config, source.labels)


def start(config, state, checkpoints):
    """Resumes from `model_dir`, or else warms up from `checkpoint`."""
    found = checkpoints.restore_latest()
    if found is not None:
        logging.info("resumed at step %d: %s", state.step, found)
        return
    if config.checkpoint:
        given_checkpoint.warm_start(config, state.model)
    if config.zero_init_logits_layer:
        given_checkpoint.zero_head(state.model)


def train(config, source, plan, state, strategy, checkpoints):
    """Runs the loop from the state's step to the plan's last.

    Returns:
        The final step.
    """
    iterator = make_iterator(config, source, plan, strategy, state.step)
    call = make_call(config, state, strategy)
    metrics = writer.MetricsWriter(config.model_dir, start_step=state.step)
    write_sample_views(config, source, metrics, state.step)
    shown = progress.Progress(
        total_steps=plan.total_steps,
        start_step=state.step,
        batch_size=config.train_batch_size,
        chance_loss=ntxent.chance_loss(config.train_batch_size),
    )
    report = make_report(config, state, shown, metrics)
    events = [loop.Event(plan.checkpoint_steps, lambda _: checkpoints.save())]
    events += knn_monitor.events(config, source, state.model, metrics)
    with interruption.stop_on_signal() as asked_to_stop:
        step = loop.train(
            state,
            call=call,
            iterator=iterator,
            total_steps=plan.total_steps,
            events=events,
            report=report,
            should_stop=asked_to_stop,
            steps_per_call=config.steps_per_loop,
        )
        if asked_to_stop():
            checkpoints.save()
            logging.info("stopped and saved at step %d", step)
    shown.close()
    metrics.close()
    asked_to_stop.raise_if_asked()
    logging.info("trained in %s", progress.format_secs(shown.seconds))
    return step


def make_dataset(config, source, *, batch_size, step):
    """Training batches of `batch_size` images from `step` on."""
    crops = batch_views.make_host_crops(
        seed=config.seed,
        image_size=config.image_size,
        recipe=components.view_recipe(config),
        float_views=config.float_views,
    )
    return pipeline.train_dataset(
        source,
        batch_size=batch_size,
        start_position=step * config.train_batch_size,
        seed=config.seed,
        crops=crops,
        max_image_pixels=config.max_image_pixels,
    )


def make_iterator(config, source, plan, strategy, step):
    """Batches from `step` on, one slice per replica."""
    batch_size = config.train_batch_size // plan.num_replicas

    def dataset(context):
        if context.num_input_pipelines > 1:
            raise errors.UserError(
                f"training must be fed by one host; this strategy has "
                f"{context.num_input_pipelines}"
            )
        return make_dataset(config, source, batch_size=batch_size, step=step)

    return iter(strategy.distribute_datasets_from_function(dataset))


def make_views(config, *, jit):
    """The function from a batch to both its views, perhaps compiled."""
    return batch_views.make_two_views(
        seed=config.seed,
        image_size=config.image_size,
        recipe=components.view_recipe(config),
        jit=jit,
    )


def make_call(config, state, strategy):
    """The graph function that runs steps; see `loop.make_train_call`."""
    compiles = choose_compilation(config, strategy)
    step = make_step(config, state, jit_views=compiles.views)
    return loop.make_train_call(
        compilation.compiled(step, is_compiled=compiles.step),
        strategy,
        metric_names=step.metric_names,
    )


def choose_compilation(config, strategy):
    """What `--jit` stands for here, a `compilation.Compilation`."""
    return compilation.choose(
        config.jit,
        device_type=distribution.device_type(strategy),
        num_replicas=strategy.num_replicas_in_sync,
    )


def make_step(config, state, *, jit_views=True):
    """The pretraining step of a configuration."""
    options = {
        "views_of": make_views(config, jit=jit_views),
        "contrast": choose_loss(config),
        "temperature": config.temperature,
        "hidden_norm": config.hidden_norm,
        "weight_decay": config.weight_decay,
        "decayed_variables": components.l2_loss_variables(config, state.model),
    }
    if not config.microbatch_size:
        return steps.PretrainStep(state, **options)
    return microbatch.MicrobatchedPretrainStep(
        state, microbatch_size=config.microbatch_size, **options
    )


def choose_loss(config):
    """The implementation of NT-Xent that `--nt_xent` asks for."""
    is_large = config.train_batch_size >= STREAMING_MIN_IMAGES
    if config.nt_xent == "streaming" or (config.nt_xent == "auto" and is_large):
        return ntxent_streaming.nt_xent_streaming
    return ntxent.contrast


def make_report(config, state, shown, metrics):
    """Returns what the loop calls after every graph call."""

    def report(step, num_steps, values):
        shown.add(step, num_steps, values)
        if not shown.is_due(step, config.log_every_secs):
            return
        rate = float(state.optimizer.learning_rate)
        means = shown.take(step, rate)
        speed = means.pop("images_per_sec")
        tags = {f"train/{name}": value for name, value in means.items()}
        metrics.scalars(
            step, tags | {"learning_rate": rate, "images_per_sec": speed}
        )

    return report


def write_sample_views(config, source, metrics, step):
    """Shows the first views of the next images, then the second ones."""
    batch_size = min(NUM_SAMPLE_IMAGES, config.train_batch_size)
    dataset = make_dataset(config, source, batch_size=batch_size, step=step)
    views = make_views(config, jit=False)(next(iter(dataset)))
    metrics.images(step, "image", views)
