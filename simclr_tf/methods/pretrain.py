"""`--train_mode=pretrain`: what contrastive training has of its own."""

from simclr_tf import errors
from simclr_tf.data import labelled
from simclr_tf.losses import implementations, ntxent
from simclr_tf.methods import knn_monitor, recipe, training_run
from simclr_tf.scoring import eval_checks
from simclr_tf.setup import given_images, networks, plan_of_run
from simclr_tf.training import batch_views, learning, microbatch, steps


def run(config):
    """Pretrains; see `training_run.run`.

    Raises:
        errors.UserError: if the configuration is of another kind of training,
            or does not fit the data.
    """
    if config.train_mode != "pretrain":
        raise errors.UserError(
            f"train_mode must be pretrain here; got {config.train_mode!r}"
        )
    return training_run.run(config, Pretraining())


class Pretraining(recipe.Recipe):
    """Two views of every image, compared with all others of the batch."""

    def check(self, config, source, plan):
        """Refuses what will need labels later."""
        check_labels(config, source, plan)

    def make_crops(self, config):
        """One crop for each view."""
        return batch_views.make_host_crops(
            seed=config.seed,
            image_size=config.image_size,
            recipe=given_images.pretrain_view_options(config),
            float_views=config.float_views,
        )

    def make_views(self, config, *, jit):
        """Both views of every image."""
        return batch_views.make_two_views(
            seed=config.seed,
            image_size=config.image_size,
            recipe=given_images.pretrain_view_options(config),
            jit=jit,
        )

    def make_step(self, config, state, views_of, *, num_replicas):
        """The step, perhaps by microbatches."""
        decayed = networks.l2_loss_variables(config, state.model)
        options = {
            "views_of": views_of,
            "contrast": choose_loss(config, num_replicas=num_replicas),
            "temperature": config.temperature,
            "hidden_norm": config.hidden_norm,
            "weight_decay": config.weight_decay,
            "decayed_variables": decayed,
        }
        if not config.microbatch_size:
            return steps.PretrainStep(state, **options)
        return microbatch.MicrobatchedPretrainStep(
            state, microbatch_size=config.microbatch_size, **options
        )

    def describe_labels(self, source, plan):
        """Whether they serve the online probe."""
        if source.num_classes is None:
            return "no labels, so the online linear probe is off"
        state = "off" if plan.num_classes is None else "on"
        known = labelled.count(source)
        some = ""
        if known not in (None, source.num_examples):
            some = f" of {known} images"
        return (
            f"{source.num_classes} classes{some}, online linear probe {state}"
        )

    def describe_batch(self, config):
        """What an image is compared with."""
        size = config.microbatch_size
        parts = f", {size} images at a time" if size else ""
        views = 2 * config.train_batch_size
        return f"{views} views{parts}; each against {views - 2} negatives"

    def describe_loss(self, config, plan):
        """NT-Xent, and its value at chance."""
        return (
            f"NT-Xent, temperature {config.temperature:g}; at chance "
            f"{self.chance(config, plan).loss:.4f} = 2 log(2N-1)"
        )

    def chance(self, config, plan):
        """That of projections that are all alike."""
        num_images = config.train_batch_size
        return learning.Chance(
            ntxent.chance_loss(num_images), ntxent.chance_accuracy(num_images)
        )

    def events(self, config, source, model, metrics):
        """The kNN monitor."""
        return knn_monitor.events(config, source, model, metrics)


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
    is_asked_for = "lineareval_while_pretraining" in config.explicit
    if is_asked_for and config.lineareval_while_pretraining:
        check_probe(source)
    knn_monitor.check(config, source)
    if config.mode == "train_then_eval":
        eval_checks.check_start(config, plan_of_run.facts(source, plan))


def check_probe(source):
    """Raises `UserError` if the probe is asked for and there is no label."""
    if source.num_classes is None:
        raise errors.UserError(
            f"lineareval_while_pretraining needs labels; "
            f"{source.has_no_labels()}"
        )


def choose_loss(config, *, num_replicas):
    """The implementation of NT-Xent that `--nt_xent` asks for.

    Args:
        config: a `Config`.
        num_replicas: among which the batch is divided.
    """
    return implementations.choose(
        config.nt_xent,
        num_images=config.train_batch_size,
        num_replicas=num_replicas,
    )
