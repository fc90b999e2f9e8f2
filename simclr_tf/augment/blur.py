"""Gaussian blur, of a width per image and of one for all.

Legend: `B` images, `T` taps.
"""

import tensorflow as tf

from simclr_tf import errors


def gaussian_blur(images, sigma, *, radius):
    """Separable Gaussian blur, each image with its own sigma.

    A sum of shifted images rather than a convolution: kernels differ between
    images, and grouped convolutions are slow by XLA on a CPU.

    Args:
        images: float32 [B, H, W, 3].
        sigma: float32 [B], positive, px.
        radius: of the kernel, px; 2 * radius + 1 taps. A Python int.

    Returns:
        float32 [B, H, W, 3]. The outside of the image counts as zero, so
        borders darken, as in the official code.

    Source: Chen et al. 2020a, appendix A; official tf2/data_util.py.
    """
    if radius == 0:
        return images
    weights = _kernel(sigma, radius)  # [B, T]
    padding = [[0, 0], [radius, radius], [radius, radius], [0, 0]]
    size = tf.shape(images)[1:3]
    padded = tf.pad(images, padding)
    rows = _weighted_sum(
        [padded[:, i : i + size[0]] for i in range(2 * radius + 1)], weights
    )
    blurred = _weighted_sum(
        [rows[:, :, i : i + size[1]] for i in range(2 * radius + 1)], weights
    )
    return tf.ensure_shape(blurred, images.shape)


def apply_blur(images, sigma, active, *, radius):
    """Blurs the images where `active`; the others pass unchanged.

    Args:
        images: float32 [B, H, W, 3].
        sigma: float32 [B], px.
        active: bool [B].
        radius: of the kernel, px.

    Returns:
        float32 [B, H, W, 3].
    """
    blurred = gaussian_blur(images, sigma, radius=radius)
    active = active[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.where(active, blurred, images)


def gaussian_filter(images, *, kernel_size, sigma):
    """The same Gaussian blur for every image.

    Args:
        images: float32 [B, H, W, 3].
        kernel_size: taps of the kernel along each axis, px; odd, at least 1.
        sigma: > 0, px. A Python number.

    Returns:
        float32 [B, H, W, 3]. The outside of the image counts as zero.

    Raises:
        errors.UserError: if `kernel_size` or `sigma` is not as above.

    Source: TensorFlow Addons 0.23, image/filters.py (`gaussian_filter2d` with
    padding "CONSTANT").
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise errors.UserError(
            f"kernel_size must be odd and positive; got {kernel_size!r}"
        )
    if not sigma > 0:
        raise errors.UserError(f"sigma must be > 0; got {sigma!r}")
    images = tf.convert_to_tensor(images)
    widths = tf.fill([tf.shape(images)[0]], float(sigma))  # [B]
    return gaussian_blur(images, widths, radius=kernel_size // 2)


def kernel_radius_px(image_size):
    """Radius of the kernel for images of side `image_size` px.

    Half of a tenth of the side, both rounded down; below 20 px it is 0 and
    blur is the identity.

    Source: official tf2/data_util.py.
    """
    return image_size // 10 // 2


def _kernel(sigma, radius):
    offsets = tf.range(-radius, radius + 1, dtype=tf.float32)
    exponent = -0.5 * tf.square(offsets / sigma[:, tf.newaxis])
    return tf.nn.softmax(exponent, axis=1)  # [B, T], sums to 1


def _weighted_sum(shifted, weights):
    weights = tf.unstack(weights, axis=1)
    return tf.add_n(
        [
            image * weight[:, tf.newaxis, tf.newaxis, tf.newaxis]
            for image, weight in zip(shifted, weights, strict=True)
        ]
    )
