"""Two random views of every image, as a Keras layer.

Dimension letters: `B` images, `H W` input size, `C` channels, `S` output side.
"""

import functools
import typing

import keras
import tensorflow as tf

from simclr_tf import distribution, errors
from simclr_tf.augment import draws, entry, geometry, views
from simclr_tf.training import batch_views

ViewFunction = typing.Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Images float32 [B, H, W, C] in [0, 1] and seeds int32 [B, 2], one for each
image, to one view of each image, float32 [B, S, S, C]."""


@keras.saving.register_keras_serializable(package="simclr_tf")
class RandomViews(keras.layers.Layer):
    """Maps a batch of images to two random views of each.

    The views are those of the command line: random crop, flip, colour jitter,
    grayscale and blur. Row r and row r + B of the output are the views of
    image r, the order that `NTXent` and `nt_xent` expect; `tf.split(rows, 2)`
    gives the two views apart.

    A view is a function of the seed and the image's position, an integer that
    counts examples. Where no positions are given, the layer counts the images
    it has seen. Inside `tf.data.Dataset.map` give positions, for example by
    `Dataset.enumerate`, if several calls run in parallel and the result must
    be reproducible.

    Args:
        image_size: side S of a view, px; None for the height of the images.
        strength: of the colour jitter, >= 0; 0 for no colour operations.
        jitter_impl: "v2" multiplies by the brightness, "v1" adds it.
        crop_area: least and greatest area of a crop, by the image's.
        flip_prob: probability of mirroring left to right.
        blur_prob: probability of blur.
        functions: a `ViewFunction`, or a pair of them, one for each view; it
            replaces all of the above and takes images of any number of
            channels. Register it with
            `keras.saving.register_keras_serializable` to save the layer.
        seed: int; None for that of the model that is compiled with the layer,
            elsewhere 0.
        **kwargs: `name` of `keras.layers.Layer`.

    Raises:
        errors.UserError: if an argument is outside its range.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """

    def __init__(
        self,
        image_size: int | None = None,
        *,
        strength: float = 1.0,
        jitter_impl: str = "v2",
        crop_area: tuple[float, float] = views.CROP_AREA,
        flip_prob: float = views.FLIP_PROB,
        blur_prob: float = views.BLUR_PROB,
        functions: ViewFunction | typing.Sequence[ViewFunction] | None = None,
        seed: int | None = None,
        **kwargs: typing.Any,
    ) -> None:
        """See the class."""
        super().__init__(**{**kwargs, "dtype": "float32"})
        with errors.renamed("color_jitter_strength", "strength"):
            views.check_recipe(strength, jitter_impl)
        self.image_size = image_size
        self.recipe = {
            "strength": strength,
            "jitter_impl": jitter_impl,
            "crop_area": tuple(crop_area),
            "flip_prob": flip_prob,
            "blur_prob": blur_prob,
        }
        self.functions = _pair_of(functions)
        self.seed = seed
        self._num_seen = self.add_weight(
            name="num_seen",
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, images: tf.Tensor, positions: tf.Tensor | None = None):
        """Both views of every image.

        Args:
            images: uint8, or float32 in [0, 1], [B, H, W, C]. C is 3 or, for
                gray images, 1; any number for view functions of one's own.
            positions: integers [B]; None counts on.

        Returns:
            float32 [2B, S, S, 3] in [0, 1], or what the view functions give.
        """
        if positions is None:
            positions = self._next_positions(tf.shape(images)[0])
        positions = tf.cast(positions, tf.int64)
        return self._function({"images": images, "positions": positions})

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Shape of the views; of one's own functions, that of the images."""
        num_rows = None if input_shape[0] is None else 2 * input_shape[0]
        if self.functions:
            return (num_rows, *input_shape[1:])
        side = self.image_size or input_shape[1]
        return (num_rows, side, side, entry.RGB_CHANNELS)

    def make_function(
        self, *, seed: int = 0, jit: bool = False
    ) -> typing.Callable[[dict], tf.Tensor]:
        """The function from a batch to both views of it.

        Args:
            seed: used where the layer has none of its own.
            jit: whether XLA compiles it; view functions of one's own are left
                alone.

        Returns:
            A function of a dict with "positions" int64 [B] and "images" as in
            `call`, or "crops" of `pipeline.train_dataset`.
        """
        seed = seed if self.seed is None else self.seed
        if self.functions:
            return functools.partial(_apply, self.functions, seed=seed)

        @functools.cache
        def two_views(side):
            return batch_views.make_two_views(
                seed=seed, image_size=side, recipe=self.recipe, jit=jit
            )

        def of_batch(batch):
            if "images" not in batch:
                return two_views(self.image_size)(batch)
            images = entry.check_images(
                batch["images"], batch_shape=batch["positions"].shape
            )
            side = self.image_size or images.shape[1]
            _check_side(side, images.shape)
            return two_views(side)({**batch, "images": images})

        return of_batch

    def make_crops(self, *, seed: int = 0):
        """How the host crops images of many sizes, a `pipeline.Crops`.

        Args:
            seed: used where the layer has none of its own.

        Raises:
            errors.UserError: without `image_size`, or with view functions of
                one's own, which need images of one size.
        """
        if self.functions or self.image_size is None:
            raise errors.UserError(
                "views must have image_size and no functions for images of "
                f"many sizes; got image_size={self.image_size!r}, "
                f"functions={self.functions!r}"
            )
        return batch_views.make_host_crops(
            seed=seed if self.seed is None else self.seed,
            image_size=self.image_size,
            recipe=self.recipe,
        )

    def get_config(self) -> dict:
        """The arguments that make the same layer."""
        functions = self.functions and [
            keras.saving.serialize_keras_object(each) for each in self.functions
        ]
        base = super().get_config()
        return {
            "name": base["name"],
            "image_size": self.image_size,
            **self.recipe,
            "crop_area": list(self.recipe["crop_area"]),
            "functions": functions,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict) -> "RandomViews":
        """The layer of a `get_config`."""
        functions = config["functions"] and [
            keras.saving.deserialize_keras_object(each)
            for each in config["functions"]
        ]
        return cls(**{**config, "functions": functions})

    @functools.cached_property
    def _function(self):
        return self.make_function()

    def _next_positions(self, num_images):
        """Positions of the next images, as if replicas stood in a row."""
        num_images = tf.cast(num_images, tf.int64)
        start = tf.identity(self._num_seen.value)
        num_all = num_images * distribution.num_replicas()
        self._num_seen.assign(start + num_all)
        return distribution.positions_from(start, num_images)


def _pair_of(functions):
    """Two view functions, or None."""
    if functions is None:
        return None
    pair = (functions, functions) if callable(functions) else functions
    is_pair = isinstance(pair, tuple | list) and len(pair) == 2
    if not (is_pair and all(callable(each) for each in pair)):
        raise errors.UserError(
            "functions must be a function of images and seeds, or a pair of "
            f"them; got {functions!r}"
        )
    return tuple(pair)


def _apply(pair, batch, *, seed):
    """The views of two functions, one above the other."""
    images = geometry.as_float(batch["images"])
    keys = draws.example_keys(seed, batch["positions"])  # [B, 2]
    rows = [
        function(images, tf.bitcast(draws.fold_in(keys, view), tf.int32))
        for view, function in enumerate(pair)
    ]
    return tf.concat(rows, axis=0)  # [2B, S, S, C]


def _check_side(side, shape):
    if side is None:
        raise errors.UserError(
            "image_size must be given for images whose height is not known; "
            f"got {side!r} and images {shape}"
        )
