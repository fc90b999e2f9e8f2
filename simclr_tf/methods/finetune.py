"""`--train_mode=finetune`: what training on labels has of its own."""

import collections
import math

from absl import logging

from simclr_tf import errors
from simclr_tf.data import labelled, sources
from simclr_tf.losses import supervised
from simclr_tf.methods import one_view, seen_labels, training_run
from simclr_tf.setup import given_checkpoint, given_images, networks
from simclr_tf.training import frozen_blocks, learning, steps

MOST_NAMED = 12
"""Of more variables the parts are named that they belong to."""


def run(config, *, open_whole=None):
    """Fine-tunes; see `training_run.run`.

    Args:
        config: a `Config`.
        open_whole: function of the configuration that opens the training
            split; None for what the configuration says.

    Raises:
        errors.UserError: if configuration, labels and checkpoint do not fit.
        RuntimeError: if a frozen block has changed.
    """
    return training_run.run(config, Finetuning(open_whole))


class Finetuning(one_view.OneView):
    """Cross-entropy on labels, by one view of each image.

    Where an image may show several classes, each is a question of its own.

    Source: Chen et al. 2020b, section 2; official tf2/run.py.
    """

    def __init__(self, open_whole=None):
        """Takes what opens the training split; nothing is opened yet."""
        super().__init__()
        self._open_whole = open_whole or open_labelled
        self._is_multi_label = False
        self._label_list = None

    def open_source(self, config):
        """The labelled images, or the part of them that is asked for."""
        whole = self._open_whole(config)
        self._is_multi_label = whole.is_multi_label
        kept = seen_labels.choose(config, whole)
        self._label_list = seen_labels.render(config, whole, kept)
        if kept is None:
            return labelled.only(whole)
        part = sources.take(whole, kept)
        seen_labels.check_listed(config, part.labels)
        return part

    def check(self, config, source, plan):
        """Refuses a start from nothing that was not asked for."""
        if not (config.checkpoint or config.from_scratch):
            raise errors.UserError(
                "checkpoint must be given for train_mode=finetune, or "
                "from_scratch; got none"
            )
        seen_labels.check(config, self._label_list)
        super().check(config, source, plan)

    def start(self, config, state):
        """The checkpoint's weights, unless training is from scratch."""
        if config.checkpoint and not config.from_scratch:
            given_checkpoint.warm_start(config, state.model)
        if config.zero_init_logits_layer:
            given_checkpoint.zero_head(state.model)

    def begin(self, opened):
        """Writes which labels are seen, and says what is trained."""
        config, model = opened.config, opened.state.model
        seen_labels.write(config, self._label_list)
        for line in describe_trained(frozen_blocks.reached_variables(model)):
            logging.info(line)
        super().begin(opened)

    def make_step(self, config, state, views_of, *, num_replicas):
        """The step over what is not frozen."""
        several = self._is_multi_label
        return steps.FinetuneStep(
            state,
            views_of=views_of,
            criterion=(
                supervised.several_classes if several else supervised.one_class
            ),
            weight_decay=config.weight_decay,
            decayed_variables=networks.l2_loss_variables(config, state.model),
        )

    def describe_labels(self, source, plan):
        """All of them are seen."""
        return f"each labelled as one of {plan.num_classes} classes"

    def describe_loss(self, config, plan):
        """Cross-entropy, and its value at chance."""
        chance = f"{self.chance(config, plan).loss:.4f}"
        if self._is_multi_label:
            return (
                f"{plan.num_classes} yes-or-no cross-entropies, their mean; at "
                f"chance {chance} = log 2"
            )
        return (
            f"cross-entropy of {plan.num_classes} classes; at chance {chance} "
            f"= log K"
        )

    def chance(self, config, plan):
        """That of a uniform prediction."""
        num_answers = 2 if self._is_multi_label else plan.num_classes
        return learning.Chance(math.log(num_answers), 1 / num_answers)


def open_labelled(config):
    """The training split that a configuration names."""
    return given_images.open_labelled(config, "train_split")


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
