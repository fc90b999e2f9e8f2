"""What a compiled model is trained for: the loss, its views, its metrics."""

import keras
import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.checkpoints import state
from simclr_tf.keras_api import views as random_views
from simclr_tf.losses import implementations, ntxent
from simclr_tf.optim import layerwise
from simclr_tf.training import compilation, steps

_JIT = {"auto": "auto", True: "on", False: "off"}
_TOTAL = "total_loss"
_LOSS = "loss"
"""What Keras users call the total."""


class Objective:
    """The settings of `SimCLR.compile`, and the metrics of an epoch.

    It is no Keras object, so that neither views nor metrics become layers or
    weights of the model.

    Attributes:
        settings: dict of the arguments of `SimCLR.compile`.
        views: a `RandomViews`, or a function of images and positions.
        seed: of the order of arrays, and of views without a seed.
    """

    def __init__(self, **settings):
        """Takes the settings; see `SimCLR.compile`."""
        jit = settings["jit_compile"]
        if jit not in _JIT:
            raise errors.UserError(
                f"jit_compile must be 'auto', True or False; got {jit!r}"
            )
        implementations.choose(
            settings["nt_xent"], num_images=0, num_replicas=1
        )
        ntxent.check_arguments(tf.zeros([2, 1]), settings["temperature"])
        views = settings["views"]
        views = random_views.RandomViews() if views is None else views
        if not callable(views):
            raise errors.UserError(
                f"views must be a RandomViews, or a function of images and "
                f"positions; got {views!r}"
            )
        self.settings = {**settings, "views": views}
        self.views = views
        self.seed = settings["seed"]
        self._means = {}

    @property
    def metrics(self):
        """The `keras.metrics.Mean`s of the epoch, a list, the loss first."""
        return list(self._means.values())

    @property
    def num_batches(self):
        """Batches since the metrics were reset, int64 []."""
        return tf.cast(self._means[_LOSS].count, tf.int64)

    def make_metrics(self, model):
        """Makes the metrics of a model; call it in the strategy's scope."""
        names = (_TOTAL, *self._step(model, views_of=None).metric_names)
        names = dict.fromkeys(_public(name) for name in names)
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def report(self, metrics):
        """Adds a step's metrics to those of the epoch.

        Args:
            metrics: dict of float32 scalars of this replica.

        Returns:
            dict of the means of the epoch so far, over all replicas.
        """
        values = distribution.mean_over_replicas(list(metrics.values()))
        for name, value in zip(metrics, values, strict=True):
            self._means[_public(name)].update_state(value)
        return {name: mean.result() for name, mean in self._means.items()}

    def make_step(self, model, *, num_images=0):
        """The step of one replica, and the same as XLA compiles it, if it does.

        Args:
            model: a built `SimCLR` with a built optimizer.
            num_images: of the batch of one replica; 0 if unknown.

        Returns:
            (a `steps.PretrainStep`, the function that trains on a batch).
        """
        compiles = self._compilation(model)
        views_of = compilation.compiled(
            self.views_of(jit=compiles.views), is_compiled=compiles.one_program
        )
        step = self._step(model, views_of=views_of, num_images=num_images)
        return step, compilation.compiled(step, is_compiled=compiles.step)

    def views_of(self, *, jit=False):
        """The function from a batch to float32 [2b, S, S, C]."""
        views = self.views
        if isinstance(views, random_views.RandomViews):
            return views.make_function(seed=self.seed, jit=jit)
        return lambda batch: views(batch["images"], batch["positions"])

    def make_crops(self):
        """How the host crops images of many sizes; see `RandomViews`."""
        if isinstance(self.views, random_views.RandomViews):
            return self.views.make_crops(seed=self.seed)
        raise errors.UserError(
            "views must be a RandomViews for images of many sizes; got "
            f"{self.views!r}"
        )

    def _step(self, model, *, views_of, num_images=0):
        num_replicas = distribution.num_replicas()
        contrast = implementations.choose(
            self.settings["nt_xent"],
            num_images=num_images * num_replicas,
            num_replicas=num_replicas,
        )
        optimizer = model.optimizer
        decays = isinstance(optimizer, layerwise.LayerwiseOptimizer)
        weight_decay = self.settings["weight_decay"]
        if weight_decay is None:
            weight_decay = optimizer.decay_strength if decays else 0.0
        return steps.PretrainStep(
            state.TrainState(model, optimizer),
            views_of=views_of,
            contrast=contrast,
            temperature=self.settings["temperature"],
            hidden_norm=self.settings["hidden_norm"],
            weight_decay=weight_decay,
            decayed_variables=model.l2_loss_variables(optimizer_decays=decays),
        )

    def _compilation(self, model):
        strategy = model.distribute_strategy
        jit = "off" if model.run_eagerly else self.settings["jit_compile"]
        return compilation.choose(
            _JIT.get(jit, jit),
            device_type=distribution.device_type(strategy),
            num_replicas=strategy.num_replicas_in_sync,
        )


def _public(name):
    return _LOSS if name == _TOTAL else name
