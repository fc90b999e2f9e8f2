"""What trainings by one view of each image share."""

import os

from simclr_tf.methods import recipe, untouched
from simclr_tf.scoring import eval_checks
from simclr_tf.setup import given_images
from simclr_tf.training import batch_views, frozen_blocks

FROZEN_FILE = "frozen.json"  # in model_dir


class OneView(recipe.Recipe):
    """One view of each image: crop and flip, without colours and blur.

    What is frozen is hashed before and after.

    Source: Chen et al. 2020b, section 2; official tf2/data_util.py,
    `preprocess_for_train` with `color_distort=False`.
    """

    def __init__(self):
        """Nothing is frozen yet."""
        self._untouched = []

    def check(self, config, source, plan):
        """Refuses an evaluation split that could not be scored afterwards."""
        if config.mode == "train_then_eval":
            eval_checks.check_start(config, self.facts(source, plan))

    def begin(self, opened):
        """Remembers what is frozen, for the whole of the run."""
        config, encoder = opened.config, opened.state.model.encoder
        frozen = frozen_blocks.frozen_parts(
            encoder, config.fine_tune_after_block
        )
        for part in frozen:
            name = "encoder" if part is encoder else part.name
            self.leave_alone(opened, name, part)

    def leave_alone(self, opened, name, model):
        """Has it proved at the end that a network has not changed.

        Args:
            opened: the `training_run.Run`.
            name: what to call it, such as "teacher".
            model: a Keras model that has been built.
        """
        network = untouched.Untouched(name, model)
        network.keep(
            os.path.join(opened.config.model_dir, FROZEN_FILE),
            is_start=opened.state.step == 0,
        )
        self._untouched.append(network)

    def end(self, opened):
        """Proves that what is frozen is what it was."""
        for network in self._untouched:
            network.prove()

    def make_crops(self, config):
        """One crop of each image."""
        return batch_views.make_host_crop(
            seed=config.seed,
            image_size=config.image_size,
            recipe=given_images.finetune_view_options(config),
            float_views=config.float_views,
        )

    def make_views(self, config, *, jit):
        """One view of each image: crop and flip."""
        return batch_views.make_one_view(
            seed=config.seed,
            image_size=config.image_size,
            recipe=given_images.finetune_view_options(config),
            jit=jit,
        )

    def describe_batch(self, config):
        """One view of each image."""
        return "one view of each, crop and flip"
