"""What one kind of training has of its own."""

import abc

from simclr_tf.setup import (
    given_checkpoint,
    given_images,
    networks,
    plan_of_run,
)


class Recipe(abc.ABC):
    """The parts of `training_run.run` that differ from kind to kind."""

    def open_source(self, config):
        """The training `Source`."""
        return given_images.open_source(config, "train_split")

    def make_plan(self, config, source, num_replicas):
        """The run's numbers, a `plan_of_run.Plan`."""
        return plan_of_run.make_plan(config, source, num_replicas)

    def facts(self, source, plan):
        """What those who open the run need to know; a resumed run has them."""
        return plan_of_run.facts(source, plan)

    @abc.abstractmethod
    def check(self, config, source, plan):
        """Raises `UserError` for what would fail after hours of training."""

    def make_state(self, config, plan):
        """Model and optimizer; called inside the strategy's scope."""
        return networks.make_train_state(
            config,
            num_classes=plan.num_classes,
            total_steps=plan.total_steps,
            warmup_steps=plan.warmup_steps,
            starts=plan.starts,
        )

    def start(self, config, state):
        """Gives a run that begins its weights."""
        if config.checkpoint:
            given_checkpoint.warm_start(config, state.model)
        if config.zero_init_logits_layer:
            given_checkpoint.zero_head(state.model)

    def begin(self, opened):
        """Called when everything is in place, just before the first step."""
        del opened  # nothing to do for most

    def end(self, opened):
        """Called after the last step."""
        del opened

    @abc.abstractmethod
    def make_crops(self, config):
        """How the host crops images of many sizes, a `pipeline.Crops`."""

    @abc.abstractmethod
    def make_views(self, config, *, jit):
        """The function from a batch to what the network sees."""

    @abc.abstractmethod
    def make_step(self, config, state, views_of, *, num_replicas):
        """What one step is, a step of `training`."""

    @abc.abstractmethod
    def describe_labels(self, source, plan):
        """What the announcement says of the labels, beside their classes."""

    @abc.abstractmethod
    def describe_batch(self, config):
        """What the announcement says of a batch, beside its images."""

    @abc.abstractmethod
    def describe_loss(self, config, plan):
        """What the announcement says of the loss."""

    @abc.abstractmethod
    def chance(self, config, plan):
        """What guessing gives, a `learning.Chance`."""

    def events(self, config, source, model, metrics):
        """What happens between steps, beside checkpoints: `loop.Event`s."""
        return []
