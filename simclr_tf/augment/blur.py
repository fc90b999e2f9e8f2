"""Gaussian blur with a width per image.

Legend: `B` images, `T` taps.
"""

import tensorflow as tf


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
