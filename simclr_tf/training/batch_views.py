"""From one replica's batch to the rows the network sees.

Dimension letters: `b` images of one replica, `S` image side.
"""

import functools

import tensorflow as tf

from simclr_tf.augment import draws, geometry, views
from simclr_tf.data import pipeline

MAX_PROGRAMS = 16
"""Compiled functions that are kept for the next run that is alike."""


def make_two_views(*, seed, image_size, recipe, jit=True):
    """Returns a function of a batch giving both views of every image.

    Fixed-size sets arrive as uint8 images and are cropped here; images of
    many sizes arrive cropped, one crop per view, and only flip, colours and
    blur are left to do. Either way the choices depend on the seed and each
    image's position in the stream alone.

    Args:
        seed: int, the run's seed.
        image_size: side of a view, px.
        recipe: keyword arguments of `views.sample_views` (without sizes).
        jit: compile with XLA.

    Returns:
        A function from a batch to float32 [2b, S, S, 3], view 1 above view 2.
    """
    color = _program(_unblurred, jit=jit, image_size=image_size, recipe=recipe)
    # A program of its own: within the other, XLA takes twice as long for both.
    blur = _program(views.apply_blur, jit=jit)
    use_blur = recipe["blur_prob"] > 0

    @functools.partial(tf.function, autograph=False)
    def two_views(batch):
        rows, pair = color(batch, draws.as_int64(seed))
        if use_blur:
            rows = [blur(*each) for each in zip(rows, pair, strict=True)]
        return tf.concat(rows, axis=0)  # [2b, S, S, 3]

    return two_views


def make_host_crops(*, seed, image_size, recipe, float_views=False):
    """Returns how the host crops one image for both views.

    Only what needs the whole photograph is done there: cut and resize. The
    crops are clipped to [0, 1] and rounded to 8 bits unless `float_views`.
    That is a deliberate difference from the official pipeline, which goes on
    in float32 with what bicubic resizing overshoots: rounding moves a pixel
    by 0.5/255 at most, and a batch has a quarter of the bytes to be put
    together, held and sent to the device.

    Args:
        seed: int, the run's seed.
        image_size: side of a crop, px.
        recipe: as in `make_two_views`.
        float_views: keep the official float32 values.

    Returns:
        `pipeline.Crops`: a function (positions int64 [n], sizes int32 [n, 2])
        -> boxes int32 [n, 2, 4], and one (uint8 [H, W, 3], boxes int32
        [2, 4]) -> [2, S, S, 3], uint8 or float32 not clipped. Not flipped.
    """

    def sample(positions, sizes):
        pair = views.sample_views(
            seed, positions, height=sizes[:, 0], width=sizes[:, 1], **recipe
        )
        return tf.stack([view.box for view in pair], axis=1)  # [n, 2, 4]

    return _host_crops(sample, image_size=image_size, float_views=float_views)


def _host_crops(sample, *, image_size, float_views):
    crop = geometry.crop_one if float_views else geometry.crop_one_uint8

    def apply(image, boxes):
        crops = [
            crop(image, box, image_size=image_size) for box in tf.unstack(boxes)
        ]
        return tf.stack(crops)  # [V, S, S, 3]

    return pipeline.Crops(sample, apply)


def make_one_view(*, seed, image_size, recipe, jit=True):
    """Returns a function of a batch giving the one view of fine-tuning.

    Args:
        seed: int, the run's seed.
        image_size: side of a view, px.
        recipe: keyword arguments of `views.sample_crop_flip` (without sizes).
        jit: compile with XLA.

    Returns:
        A function from a batch to float32 [b, S, S, 3].
    """
    view = _program(_one_view, jit=jit, image_size=image_size, recipe=recipe)
    return lambda batch: view(batch, draws.as_int64(seed))


def make_host_crop(*, seed, image_size, recipe, float_views=False):
    """As `make_host_crops` for one view, cropped and flipped alone."""

    def sample(positions, sizes):
        view = views.sample_crop_flip(
            seed, positions, height=sizes[:, 0], width=sizes[:, 1], **recipe
        )
        return view.box[:, tf.newaxis]  # [n, 1, 4]

    return _host_crops(sample, image_size=image_size, float_views=float_views)


def _program(function, *, jit, recipe=None, **settings):
    """A graph function, with keyword arguments that are fixed.

    XLA keeps what it has compiled until the process ends, under the name of a
    graph that is never used again. So there is one graph for equal arguments,
    and what differs between runs that are alike, the seed, is a tensor.
    """
    if recipe is not None:
        settings["recipe"] = tuple(sorted(recipe.items()))
    make = _compiled if jit else _traced
    return make(function, **settings)


def _traced(function, **settings):
    run = functools.partial(function, **settings)
    return tf.function(run, autograph=False)


@functools.lru_cache(maxsize=MAX_PROGRAMS)
def _compiled(function, **settings):
    run = functools.partial(function, **settings)
    return tf.function(run, autograph=False, jit_compile=True)


def _one_view(batch, seed, *, image_size, recipe):
    """Float32 [b, S, S, 3]."""
    height = width = image_size
    if "images" in batch:
        height, width = batch["images"].shape[1:3]
    view = views.sample_crop_flip(
        seed, batch["positions"], height=height, width=width, **dict(recipe)
    )
    crops = _crops(batch, 0, view, image_size)
    return tf.clip_by_value(crops, 0.0, 1.0)


def _unblurred(batch, seed, *, image_size, recipe):
    """Both views, two of float32 [b, S, S, 3], and their two `ViewSpec`s."""
    recipe = dict(recipe)
    height = width = image_size
    if "images" in batch:
        height, width = _size(batch["images"])
    pair = views.sample_views(
        seed, batch["positions"], height=height, width=width, **recipe
    )
    rows = [
        views.apply_appearance(
            _crops(batch, index, view, image_size),
            view,
            jitter_impl=recipe["jitter_impl"],
            use_blur=False,
        )
        for index, view in enumerate(pair)
    ]
    return rows, pair


def _crops(batch, index, view, image_size):
    if "crops" in batch:
        crops = geometry.as_float(batch["crops"][:, index])
        return geometry.flip_where(crops, view.flip)
    return views.apply_geometry(batch["images"], view, image_size=image_size)


def _size(images):
    """Height and width: ints where they are known, else int32 []."""
    height, width = images.shape[1:3]
    if None in (height, width):
        height, width = tf.unstack(tf.shape(images)[1:3])
    return height, width
