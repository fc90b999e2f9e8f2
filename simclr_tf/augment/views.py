"""Two random views of every image: first sampled as data, then applied.

`sample_views` draws every choice as tensors; `apply_views` is a deterministic
function of images and those tensors. A view depends on (seed, position) only.
Legend: `B` images, `H W` input size, `C` channels, `S` output side. The two
public functions also take one image, without the axis B; the others do not.
"""

import typing
from typing import NamedTuple

import tensorflow as tf

from simclr_tf import errors
from simclr_tf.augment import blur, color, draws, entry, geometry

# Official tf2/data_util.py; Chen et al. 2020a, appendix A.
FLIP_PROB, JITTER_PROB, GRAY_PROB, BLUR_PROB = 0.5, 0.8, 0.2, 0.5
SIGMA_PX = (0.1, 2.0)
JITTER_RANGE, HUE_RANGE = 0.8, 0.2  # times the strength
CROP_AREA = (0.08, 1.0)
# Up to this side (CIFAR) the official evaluation takes images as they are.
MAX_UNCROPPED_PX = 32
_NUM_SCALAR_DRAWS = 10


class ViewSpec(NamedTuple):
    """Every random choice of one view of B images, or of one without axis B.

    Attributes:
        box: int32 [B, 4], crop (y, x, height, width), px.
        flip: bool [B], mirror left to right.
        jitter: bool [B], whether colours are jittered.
        order: int32 [B, 4], which operation at which place: 0 brightness,
            1 contrast, 2 saturation, 3 hue.
        brightness: float32 [B], factor (v2) or addend (v1).
        contrast: float32 [B], factor.
        saturation: float32 [B], factor.
        hue: float32 [B], addend in turns.
        gray: bool [B], whether colour is dropped.
        blur: bool [B], whether the view is blurred.
        sigma: float32 [B], width of the blur, px.
    """

    box: tf.Tensor
    flip: tf.Tensor
    jitter: tf.Tensor
    order: tf.Tensor
    brightness: tf.Tensor
    contrast: tf.Tensor
    saturation: tf.Tensor
    hue: tf.Tensor
    gray: tf.Tensor
    blur: tf.Tensor
    sigma: tf.Tensor


def sample_views(
    seed: int | tf.Tensor,
    positions: typing.Any,
    *,
    height: int | tf.Tensor,
    width: int | tf.Tensor,
    **recipe: typing.Any,
) -> tuple[ViewSpec, ViewSpec]:
    """Samples two independent views of each example.

    The same inside `tf.data.Dataset.map` and outside, eagerly and compiled:
    the values of the arguments decide, not their types.

    Args:
        seed: integer of any type, a Python int or [].
        positions: integers of any type, global example counters: [B], or []
            for one image. Lists, arrays and tensors will do.
        height: of the images, px; integer or integers [B], at least 1.
        width: the same for the width.
        **recipe: `strength`, `jitter_impl`, `crop_area`, `flip_prob`,
            `blur_prob`, as in `sample_view`.

    Returns:
        Two `ViewSpec`s, of B images; of one image without the axis B.

    Raises:
        ValueError: if an argument is not as above (see `entry`).
        errors.UserError: as `sample_view`.
    """
    positions = entry.check_positions(positions)
    if positions.shape.rank == 0:
        positions = positions[tf.newaxis]
        pair = sample_views(
            seed, positions, height=height, width=width, **recipe
        )
        return tuple(map(_without_batch, pair))
    keys = draws.example_keys(entry.check_seed(seed), positions)
    size = [tf.shape(positions)[0]]
    sides = (
        entry.check_side(name, side, batch_shape=positions.shape)
        for name, side in (("height", height), ("width", width))
    )
    height, width = (
        tf.tile(tf.broadcast_to(side, size), [2]) for side in sides
    )
    # Both at once: half the graph, and longer vectors.
    keys = tf.concat([draws.fold_in(keys, view) for view in (0, 1)], axis=0)
    both = sample_view(keys, height=height, width=width, **recipe)
    halves = [tf.split(field, 2) for field in both]
    return tuple(ViewSpec(*view) for view in zip(*halves, strict=True))


def sample_view(
    keys,
    *,
    height,
    width,
    strength=1.0,
    jitter_impl="v2",
    crop_area=CROP_AREA,
    flip_prob=FLIP_PROB,
    blur_prob=BLUR_PROB,
):
    """Samples one view per key.

    Args:
        keys: uint32 [B, 2], one per view.
        height: of the images, px; Python int or int32 [B].
        width: the same for the width.
        strength: colour jitter strength s >= 0. With 0 there is neither
            jitter nor grayscale, as in the official code.
        jitter_impl: "v2" multiplies by the brightness, "v1" adds it.
        crop_area: least and greatest area of the crop, by the image's.
        flip_prob: probability of mirroring left to right.
        blur_prob: probability of blur.

    Returns:
        `ViewSpec`.

    Raises:
        errors.UserError: if `strength` or `jitter_impl` is not as above.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    check_recipe(strength, jitter_impl)
    numbers = draws.uniform(keys, geometry.NUM_BOX_DRAWS + _NUM_SCALAR_DRAWS)
    box = geometry.sample_boxes(
        numbers[:, :-_NUM_SCALAR_DRAWS],
        height=height,
        width=width,
        area=crop_area,
    )
    numbers = tf.unstack(numbers[:, -_NUM_SCALAR_DRAWS:], axis=1)
    flip, jitter, order, *factors, gray, blurred, sigma = numbers
    order = draws.integers_below(order, len(color.ORDERS))
    colored = strength > 0
    return ViewSpec(
        box,
        flip < flip_prob,
        jitter < (JITTER_PROB if colored else 0.0),
        tf.gather(tf.constant(color.ORDERS, tf.int32), order),
        *_scale_factors(factors, strength, jitter_impl),
        gray < (GRAY_PROB if colored else 0.0),
        blurred < blur_prob,
        draws.between(sigma, *SIGMA_PX),
    )


def sample_crop_flip(seed, positions, **options):
    """Samples the one view of fine-tuning: crop and flip, nothing else.

    Args:
        seed: Python int or int64 [].
        positions: int64 [B], global example counters.
        **options: `height`, `width`, `crop_area` and `flip_prob` of
            `sample_view`.

    Returns:
        `ViewSpec` whose appearance half is the identity.

    Source: official tf2/data.py (no colour jitter when fine-tuning).
    """
    keys = draws.fold_in(draws.example_keys(seed, positions), 0)
    return sample_view(keys, strength=0.0, blur_prob=0.0, **options)


def apply_views(
    images: tf.Tensor,
    view: ViewSpec,
    *,
    image_size: int,
    jitter_impl: str = "v2",
    use_blur: bool = True,
) -> tf.Tensor:
    """Makes the view that a `ViewSpec` describes; deterministic.

    Args:
        images: uint8, or float32 in [0, 1], [B, H, W, C], or one image
            [H, W, C]. C is 3 (RGB) or 1 (gray, taken for R, G and B alike).
        view: `ViewSpec` of as many images.
        image_size: output side S, px.
        jitter_impl: the one that `view` was sampled for.
        use_blur: False leaves blur out altogether.

    Returns:
        float32 [B, S, S, 3] in [0, 1]; of one image [S, S, 3].

    Raises:
        ValueError: if the images are not as above (see `entry`), or `view`
            describes another number of them.

    Two calls, one per view, are faster on a CPU than one on both at once.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    view = _check_view(view)
    images = entry.check_images(images, batch_shape=view.flip.shape)
    is_one = view.flip.shape.rank == 0
    if is_one:
        images, view = images[tf.newaxis], _with_batch(view)
    crops = apply_geometry(images, view, image_size=image_size)
    made = apply_appearance(
        crops, view, jitter_impl=jitter_impl, use_blur=use_blur
    )
    return made[0] if is_one else made


def apply_geometry(images, view, *, image_size):
    """The first half of `apply_views`: crop, bicubic resize, flip.

    Args:
        images: uint8, or float32 in [0, 1], [B, H, W, 3].
        view: `ViewSpec` of B images; its `box` and `flip` are used.
        image_size: output side S, px.

    Returns:
        float32 [B, S, S, 3]; overshoots [0, 1], and must reach
        `apply_appearance` so.
    """
    return geometry.crop_resize_flip(
        images, view.box, view.flip, image_size=image_size
    )


def apply_appearance(crops, view, *, jitter_impl="v2", use_blur=True):
    """The second half of `apply_views`: colours, grayscale, blur.

    Args:
        crops: float32 [B, S, S, 3]; may overshoot [0, 1]. S is static.
        view: `ViewSpec` of B images.
        jitter_impl: the one that `view` was sampled for.
        use_blur: False leaves blur out altogether.

    Returns:
        float32 [B, S, S, 3] in [0, 1].
    """
    factors = (view.brightness, view.contrast, view.saturation, view.hue)
    images = color.jitter(
        crops,
        factors,
        order=view.order,
        active=view.jitter,
        jitter_impl=jitter_impl,
    )
    images = tf.clip_by_value(color.grayscale(images, view.gray), 0.0, 1.0)
    return apply_blur(images, view) if use_blur else images


def apply_blur(images, view):
    """The last step of `apply_views`, on float32 [B, S, S, 3] in [0, 1]."""
    radius = blur.kernel_radius_px(images.shape[1])
    images = blur.apply_blur(images, view.sigma, view.blur, radius=radius)
    return tf.clip_by_value(images, 0.0, 1.0)


def eval_images(
    images, *, image_size, central_fraction=geometry.CENTER_CROP_FRACTION
):
    """Images for evaluation: a central square above 32 px, otherwise whole.

    Args:
        images: uint8, or float32 in [0, 1], [B, H, W, 3].
        image_size: output side S, px. Up to 32 the official code demands
            images of this very size and passes them on; other sizes are
            resized here, bicubically and whole.
        central_fraction: side of the square by the shorter side of the image.

    Returns:
        float32 [B, S, S, 3] in [0, 1].

    Source: official tf2/data_util.py and tf2/data.py.
    """
    if image_size > MAX_UNCROPPED_PX:
        images = geometry.center_crop(
            images, image_size=image_size, fraction=central_fraction
        )
    elif images.shape[1:3] != (image_size, image_size):
        images = geometry.whole_image(images, image_size=image_size)
    return tf.clip_by_value(geometry.as_float(images), 0.0, 1.0)


def eval_image(
    image, *, image_size, central_fraction=geometry.CENTER_CROP_FRACTION
):
    """`eval_images` of one image [H, W, 3], made for the host: cuts first."""
    size = tf.shape(image)[:2]
    box = tf.concat([[0, 0], size], axis=0)
    if image_size > MAX_UNCROPPED_PX:
        box = geometry.central_box(size, fraction=central_fraction)
    image = geometry.crop_one(image, box, image_size=image_size)
    return tf.clip_by_value(image, 0.0, 1.0)


def _without_batch(view):
    return ViewSpec(*(field[0] for field in view))


def _with_batch(view):
    return ViewSpec(*(field[tf.newaxis] for field in view))


def _check_view(view):
    """The `ViewSpec` in tensors; iterating a data set may give arrays."""
    if not isinstance(view, ViewSpec):
        raise ValueError(
            "view must be one of the two ViewSpecs that sample_views gives; "
            f"got {type(view).__name__}"
        )
    return ViewSpec(*map(tf.convert_to_tensor, view))


def _scale_factors(factors, strength, jitter_impl):
    """Brightness, contrast, saturation and hue from draws in [0, 1)."""
    brightness, contrast, saturation, hue = factors
    reach = JITTER_RANGE * strength
    around_one = (max(1.0 - reach, 0.0), 1.0 + reach)
    additive = jitter_impl == "v1"
    return (
        draws.between(
            brightness, *((-reach, reach) if additive else around_one)
        ),
        draws.between(contrast, *around_one),
        draws.between(saturation, *around_one),
        draws.between(hue, -HUE_RANGE * strength, HUE_RANGE * strength),
    )


def check_recipe(strength, jitter_impl):
    """Raises `UserError` for what `sample_view` does not take."""
    if strength < 0:
        raise errors.UserError(
            f"color_jitter_strength must be at least 0; got {strength}"
        )
    if jitter_impl not in color.JITTER_IMPLS:
        raise errors.UserError(
            f"jitter_impl must be one of {', '.join(color.JITTER_IMPLS)}; "
            f"got {jitter_impl!r}"
        )
