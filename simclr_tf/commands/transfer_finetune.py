"""`--transfer_method=finetune`: the whole network on other data sets."""

import dataclasses
import itertools
import math
import os
import re

from absl import logging

from simclr_tf import errors
from simclr_tf.config import Config, data, hardware
from simclr_tf.data import labelled, sources, subsets
from simclr_tf.evaluation import (
    choice,
    features,
    fingerprint,
    logistic,
    metrics,
    selection,
)
from simclr_tf.methods import finetune
from simclr_tf.setup import given_checkpoint, given_images, networks
from simclr_tf.training import transfer_recipe

DIRECTORY = "transfer"  # in model_dir
NUM_CHECKPOINTS = 10  # of a run, the last alone being kept
NOT_IN_NAMES = re.compile(r"[^\w.-]+")
"""What no directory's name has, such as the path of a folder."""
RATE_IMAGES = 256
"""Rates of the grid are of a batch, `learning_rate` is of so many images."""
_KEPT = (
    "seed",
    "eval_batch_size",
    "log_every_secs",
    "steps_per_loop",
    "use_flip",
    "crop_min_area",
    "global_bn",
)


class FinetuneTransfer:
    """Scores one set after the other, each by many runs of fine-tuning.

    Every run has a directory of its own in `model_dir/transfer/<encoder>`,
    named by a hash of what it starts from, so one that was killed goes on, and
    one that is complete is not trained again.

    Source: Chen et al. 2020a, appendix B.8.
    """

    def __init__(self, config, model, path):
        """Nothing is trained yet.

        Args:
            config: a `Config`.
            model: the pretrained `SimCLR` model.
            path: of its checkpoint.
        """
        self._config = config
        self._directory = os.path.join(
            config.model_dir, DIRECTORY, fingerprint.of_model(model).short
        )
        self._path = path

    def __call__(self, each):
        """Chooses a setting, trains once more, and scores one set.

        Args:
            each: a `transfer_sets.TransferSet`.

        Returns:
            (score, setting): a number in [0, 1], and a dict.

        Raises:
            errors.UserError: if the set cannot be opened, or training
                diverges.
        """
        point = self.choose(each).setting
        setting = transfer_recipe.make_setting(**point)
        logging.info("%s  chosen: %s", each.name, _name_of(setting))
        found = self._outputs(
            each,
            setting,
            self._open(each, each.final),
            self._open(each, each.test),
            f"final_{_name_of(setting)}",
        )
        value = metrics.METRICS[each.metric](found.values, found.labels)
        return value, setting._asdict()

    def choose(self, each):
        """The `choice.Choice` of a point, by validation images alone.

        Args:
            each: a `transfer_sets.TransferSet`.
        """
        grid, parts = axes(self._config), self._parts(each)
        num_held = sum(held.num_examples for _, _, held in parts)
        points = itertools.product(*(axis.values for axis in grid))
        names = [axis.name for axis in grid]
        trials = (
            self._try(each, dict(zip(names, point, strict=True)), parts)
            for point in points
        )
        chosen = choice.best(trials, grid, num_held=num_held)
        name = f"fine-tuning on {each.name}"
        selection.warn_of_ends(name, chosen.setting, grid, num_held=num_held)
        return chosen

    def _parts(self, each):
        """(suffix of a run's name, train, held out) to choose by, a list.

        The set's own validation split or, where it is too small to choose by,
        folds of training and validation images together.
        """
        train = self._open(each, each.train)
        validation = self._open(each, each.validation)
        if validation.num_examples >= selection.MIN_HELD_OUT:
            return [("", train, validation)]
        whole = self._open(each, each.final)
        labels = sources.read_labels(whole)
        places = labelled.indices(labels)
        folds = subsets.folds(
            labels[places],
            selection.NUM_FOLDS,
            seed=self._config.seed,
        )
        return [
            (
                f"_fold_{n}",
                sources.take(whole, places[kept]),
                sources.take(whole, places[held]),
            )
            for n, (kept, held) in enumerate(folds)
        ]

    def _open(self, each, split):
        return labelled.only(
            given_images.open_transfer(self._config, each, split)
        )

    def _try(self, each, point, parts):
        """The `choice.Trial` of a point; the worst where it diverges."""
        setting = transfer_recipe.make_setting(**point)
        try:
            found = [
                self._outputs(
                    each, setting, train, held, _name_of(setting) + suffix
                )
                for suffix, train, held in parts
            ]
        except errors.DivergenceError as error:
            logging.warning("%s  %s: %s", each.name, _name_of(setting), error)
            return choice.Trial(point, -math.inf, -math.inf)
        logits, labels = features.concatenate(*found)
        return choice.Trial(
            point,
            metrics.METRICS[each.metric](logits, labels),
            float(logistic.log_likelihoods(logits, labels).mean()),
        )

    def _outputs(self, each, setting, train, test, name):
        """Trains on one source, or finds that it was done.

        Returns:
            `features.Features` of the other source, its values being logits.
        """
        config = self._run_of(each, setting, train, name)
        finetune.run(config, open_whole=lambda _: train)
        return outputs_of_run(config, test)

    def _run_of(self, each, setting, source, name):
        """The configuration of one run."""
        config, size = self._config, self._config.transfer_batch_size
        steps_per_epoch = source.num_examples / size
        return Config(
            **{kept: getattr(config, kept) for kept in _kept(config)},
            mode="train",
            train_mode="finetune",
            checkpoint=self._path,
            model_dir=os.path.join(
                self._directory, NOT_IN_NAMES.sub("_", each.name), name
            ),
            dataset=each.dataset,
            train_split=source.split,
            train_batch_size=size,
            train_steps=config.transfer_steps,
            checkpoint_steps=max(config.transfer_steps // NUM_CHECKPOINTS, 1),
            keep_checkpoint_max=1,
            warmup_epochs=0,
            optimizer="momentum",
            momentum=transfer_recipe.MOMENTUM,
            learning_rate=setting.learning_rate * RATE_IMAGES / size,
            weight_decay=setting.weight_decay,
            batch_norm_decay=transfer_recipe.bn_momentum(steps_per_epoch),
        )


def _name_of(setting):
    return f"rate_{setting.learning_rate:.2e}_decay_{setting.weight_decay:.2e}"


def _kept(config):
    """Names of the fields that every run has from the evaluation."""
    groups = (hardware.HardwareConfig, data.DataConfig)
    fields = [f.name for group in groups for f in dataclasses.fields(group)]
    names = {*fields, *config.architecture(), *_KEPT}
    return names - {"dataset", "train_split", "eval_split", "microbatch_size"}


def axes(config):
    """The grid to choose from, `choice.Axis` of rates and of decays."""
    rates = config.transfer_learning_rates or transfer_recipe.LEARNING_RATES
    decays = config.transfer_weight_decays or transfer_recipe.WEIGHT_DECAYS
    return (
        choice.Axis("learning_rate", tuple(sorted(rates))),
        choice.Axis("weight_decay", tuple(sorted(decays)), bounds=(0.0,)),
    )


def outputs_of_run(config, source):
    """The logits of a finished run on images.

    Args:
        config: the run's `Config`.
        source: a labelled `Source`.

    Returns:
        `features.Features` whose values are the logits.
    """
    config, facts = given_checkpoint.recall(
        config.replace(mode="eval", checkpoint=None)
    )
    model = networks.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(config.model_dir, model)
    encode = networks.encoder_function(model, head=True)
    found = features.extract(
        lambda images: encode(images)[1],
        given_images.eval_batches(config, source),
    )
    return found.take(labelled.indices(found.labels))
