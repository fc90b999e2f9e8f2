"""What trainings by one view of each image share."""

from simclr_tf.tasks.scoring import eval_checks
from simclr_tf.tasks.setup import components
from simclr_tf.tasks.training import recipe
from simclr_tf.training import batch_views


class OneView(recipe.Recipe):
    """One view of each image: crop and flip, without colours and blur.

    Source: Chen et al. 2020b, section 2; official tf2/data_util.py,
    `preprocess_for_train` with `color_distort=False`.
    """

    def check(self, config, source, plan):
        """Refuses an evaluation split that could not be scored afterwards."""
        if config.mode == "train_then_eval":
            eval_checks.open_source(config, self.facts(source, plan))
            eval_checks.check(config, has_head=True)

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

    def describe_batch(self, config):
        """One view of each image."""
        return "one view of each, crop and flip"
