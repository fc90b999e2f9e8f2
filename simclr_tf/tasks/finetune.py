"""`--train_mode=finetune`: what training on labels has of its own."""

import collections
import math
import os

from absl import logging

from simclr_tf import errors
from simclr_tf.data import label_files, labelled, sources
from simclr_tf.evaluation import fingerprint
from simclr_tf.tasks import components, given_checkpoint, recipe, training_run
from simclr_tf.training import (
    batch_views,
    frozen_blocks,
    steps,
    whole_file,
)

LABEL_FILE = "labels.txt"  # in model_dir
MOST_NAMED = 12
"""Of more variables the parts are named that they belong to."""


def run(config):
    """Fine-tunes; see `training_run.run`.

    Raises:
        errors.UserError: if configuration, labels and checkpoint do not fit.
        RuntimeError: if a frozen encoder has changed.
    """
    return training_run.run(config, Finetuning())


class Finetuning(recipe.Recipe):
    """Cross-entropy on labels, by one view of each image.

    Source: Chen et al. 2020b, section 2; official tf2/run.py.
    """

    def __init__(self):
        """Nothing is opened yet."""
        self._label_list = None
        self._encoder_before = None

    def open_source(self, config):
        """The labelled images, or the part of them that is asked for."""
        whole = components.open_labelled(config, "train_split")
        kept = choose_labels(config, whole)
        if kept is None:
            return whole
        self._label_list = label_files.render(
            whole,
            kept,
            seed=config.seed,
            label_fraction=config.label_fraction or None,
            labels_per_class=config.labels_per_class or None,
        )
        return sources.take(whole, kept)

    def check(self, config, source, plan):
        """Refuses a start from nothing that was not asked for."""
        if not (config.checkpoint or config.from_scratch):
            raise errors.UserError(
                "checkpoint must be given for train_mode=finetune, or "
                "from_scratch; got none"
            )
        if config.mode == "train_then_eval":
            components.open_labelled(config, "eval_split")

    def make_state(self, config, plan):
        """Model, perhaps frozen in part, and optimizer of the rest."""
        return components.make_train_state(
            config,
            num_classes=plan.num_classes,
            total_steps=plan.total_steps,
            warmup_steps=plan.warmup_steps,
        )

    def start(self, config, state):
        """The checkpoint's weights, unless training is from scratch."""
        if config.checkpoint and not config.from_scratch:
            given_checkpoint.warm_start(config, state.model)
        if config.zero_init_logits_layer:
            given_checkpoint.zero_head(state.model)

    def begin(self, opened):
        """Writes which labels are seen, and says what is trained."""
        config, model = opened.config, opened.state.model
        if self._label_list is not None:
            path = os.path.join(config.model_dir, LABEL_FILE)
            whole_file.write_text(path, self._label_list)
        for line in describe_trained(frozen_blocks.reached_variables(model)):
            logging.info(line)
        self._encoder_before = fingerprint.of_model(model.encoder)

    def end(self, opened):
        """Proves that a frozen encoder is what it was."""
        if opened.config.fine_tune_after_block != frozen_blocks.HEAD_ONLY:
            return
        after = fingerprint.of_model(opened.state.model.encoder)
        if after != self._encoder_before:
            raise RuntimeError("the frozen encoder has changed")
        logging.info(
            "the encoder is what it was: weights %.12s, statistics %.12s",
            after.weights,
            after.statistics,
        )

    def make_crops(self, config):
        """One crop of each image."""
        return batch_views.make_host_crop(
            seed=config.seed,
            image_size=config.image_size,
            recipe=components.finetune_recipe(config),
            float_views=config.float_views,
        )

    def make_views(self, config, *, jit):
        """One view of each image: crop and flip."""
        return batch_views.make_one_view(
            seed=config.seed,
            image_size=config.image_size,
            recipe=components.finetune_recipe(config),
            jit=jit,
        )

    def make_step(self, config, state, views_of):
        """The step over what is not frozen."""
        return steps.FinetuneStep(
            state,
            views_of=views_of,
            weight_decay=config.weight_decay,
            decayed_variables=components.l2_loss_variables(config, state.model),
        )

    def describe_labels(self, source, plan):
        """All of them are seen."""
        return f"each labelled as one of {plan.num_classes} classes"

    def describe_batch(self, config):
        """One view of each image."""
        return "one view of each, crop and flip"

    def describe_loss(self, config, plan):
        """Cross-entropy, and its value at chance."""
        return (
            f"cross-entropy of {plan.num_classes} classes; at chance "
            f"{self.chance_loss(config, plan):.4f} = log K"
        )

    def chance_loss(self, config, plan):
        """That of equal logits."""
        return math.log(plan.num_classes)


def describe_trained(variables):
    """Lines that tell what moves: every variable, or how many of each part.

    Args:
        variables: a list of Keras variables.
    """
    lines = [f"trained    {len(variables)} variables"]
    if len(variables) <= MOST_NAMED:
        return lines + [f"           {variable.path}" for variable in variables]
    parts = ["/".join(v.path.split("/")[1:3]) for v in variables]
    counted = collections.Counter(parts).items()
    return lines + [f"           {part}: {count}" for part, count in counted]


def choose_labels(config, source):
    """Which images' labels are seen.

    Args:
        config: a `Config`.
        source: the whole labelled `Source`.

    Returns:
        Rising indices, or None for all.

    Raises:
        errors.UserError: as `label_files.read` and `labelled.choose`.
    """
    if config.label_file:
        return label_files.read(config.label_file, source)
    if not (config.label_fraction or config.labels_per_class):
        return None
    return labelled.choose(
        source,
        seed=config.seed,
        label_fraction=config.label_fraction or None,
        labels_per_class=config.labels_per_class or None,
    )
