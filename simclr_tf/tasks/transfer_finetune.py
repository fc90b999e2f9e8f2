"""`--transfer_method=finetune`: the whole network on other data sets."""

import dataclasses
import math
import os
import re

from absl import logging

from simclr_tf import errors
from simclr_tf.config import Config, data, hardware
from simclr_tf.evaluation import choice, features, fingerprint, metrics
from simclr_tf.tasks import finetune
from simclr_tf.tasks.setup import components, given_checkpoint
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
        setting = self.choose(each).setting
        logging.info("%s  chosen: %s", each.name, _name_of(setting))
        name = f"final_{_name_of(setting)}"
        value = self._score(each, setting, each.final, each.test, name)
        return value, setting._asdict()

    def choose(self, each):
        """The `choice.Choice` of a setting, by validation images alone."""
        return choice.best(
            (setting, self._validate(each, setting))
            for setting in grid(self._config)
        )

    def _validate(self, each, setting):
        """The score on validation images; that of none where it diverges."""
        train, test = each.train, each.validation
        try:
            return self._score(each, setting, train, test, _name_of(setting))
        except errors.DivergenceError as error:
            logging.warning("%s  %s: %s", each.name, _name_of(setting), error)
            return -math.inf

    def _score(self, each, setting, train, test, name):
        """Trains on one split, or finds that it was done; scores another."""
        source = components.open_transfer(self._config, each, train)
        config = self._run_of(each, setting, source, name)
        finetune.run(config, open_whole=lambda _: source)
        return score_run(config, each, test)

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


def grid(config):
    """The `transfer_recipe.Setting`s to choose from."""
    return transfer_recipe.grid(
        config.transfer_learning_rates or transfer_recipe.LEARNING_RATES,
        config.transfer_weight_decays or transfer_recipe.WEIGHT_DECAYS,
    )


def score_run(config, each, split):
    """The metric of a finished run on one split.

    Args:
        config: the run's `Config`.
        each: the `transfer_sets.TransferSet`.
        split: that is scored.
    """
    config, facts = given_checkpoint.recall(
        config.replace(mode="eval", checkpoint=None)
    )
    model = components.make_eval_model(config, num_classes=facts["num_classes"])
    given_checkpoint.load(config.model_dir, model)
    encode = components.encoder_function(model, head=True)
    source = components.open_transfer(config, each, split)
    found = features.extract(
        lambda images: encode(images)[1],
        components.eval_batches(config, source),
    )
    return metrics.METRICS[each.metric](found.values, found.labels)
