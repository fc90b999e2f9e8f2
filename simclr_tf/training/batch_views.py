"""From one replica's batch to the rows the network sees.

Dimension letters: `b` images of one replica, `S` image side.
"""

import functools

import tensorflow as tf

from simclr_tf.augment import geometry, views


def make_two_views(*, seed, image_size, recipe, jit=True):
    """Returns a function of a batch giving both views of every image.

    Fixed-size sets arrive as uint8 images and are cropped here; images of
    many sizes arrive cropped, one crop per view, and only their colours and
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
    make = functools.partial(
        _two_views, seed=seed, image_size=image_size, recipe=recipe
    )
    return tf.function(make, jit_compile=jit or None)


def make_host_crops(*, seed, image_size, recipe):
    """Returns a function cropping one image for both views, on the host.

    Args:
        seed: int, the run's seed.
        image_size: side of a crop, px.
        recipe: as in `make_two_views`.

    Returns:
        A function (uint8 [H, W, 3], position int64 []) -> float32
        [2, S, S, 3], not clipped.
    """

    def crops(image, position):
        shape = tf.shape(image)
        pair = views.sample_views(
            seed,
            position[tf.newaxis],
            height=shape[:1],
            width=shape[1:2],
            **recipe,
        )
        cropped = [
            geometry.crop_one(
                image, view.box[0], view.flip[0], image_size=image_size
            )
            for view in pair
        ]
        return tf.stack(cropped)  # [2, S, S, 3]

    return crops


def _two_views(batch, *, seed, image_size, recipe):
    height = width = image_size
    if "images" in batch:
        height, width = batch["images"].shape[1:3]
    pair = views.sample_views(
        seed, batch["positions"], height=height, width=width, **recipe
    )
    finish = functools.partial(
        views.apply_appearance,
        jitter_impl=recipe["jitter_impl"],
        use_blur=recipe["blur_prob"] > 0,
    )
    rows = [
        finish(_crops(batch, index, view, image_size), view)
        for index, view in enumerate(pair)
    ]
    return tf.concat(rows, axis=0)  # [2b, S, S, 3]


def _crops(batch, index, view, image_size):
    if "crops" in batch:
        return batch["crops"][:, index]
    return views.apply_geometry(batch["images"], view, image_size=image_size)
