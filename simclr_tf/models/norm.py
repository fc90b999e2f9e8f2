"""Batch normalisation: the official arithmetic, synchronised or fused.

Dimension letters: `B` rows, `H W` image axes, `C` channels, `R` replicas.
"""

import keras
import tensorflow as tf

from simclr_tf import distribution


class BatchNorm(keras.layers.Layer):
    """Batch normalisation over all axes but the last, for rank 2 and rank 4.

    In training the batch's own mean and uncorrected variance normalise it,
    and move the moving statistics:

        moving <- momentum * moving + (1 - momentum) * batch.

    In inference, and when `trainable` is False, the moving statistics
    normalise. All variables and statistics are float32 whatever the compute
    dtype; the output has the compute dtype. In float32 the arithmetic is the
    official one; in half precision, where statistics are of one replica, the
    fused op replaces it, which is faster and differs by less than the dtype.

    Distribution: `synchronized` takes the statistics over the rows of all
    replicas, by one all-reduce of 2C numbers; every replica must hold the
    same number of rows. Otherwise each replica normalises by its own rows,
    and the moving statistics take the mean over replicas, so that all
    replicas hold the same.

    Args:
        momentum: weight of the old moving statistics, in [0, 1].
        epsilon: added to the variance.
        center: whether there is a shift, beta.
        gamma_initializer: "ones", or "zeros" for the last of a residual
            block, which then starts as the identity.
        synchronized: see above.
        **kwargs: `name` and `dtype` of `keras.layers.Layer`.

    Source: Chen et al. 2020a, section 2.2 (global statistics); momentum,
    epsilon and the uncorrected variance as in official tf2/resnet.py.
    """

    def __init__(
        self,
        *,
        momentum=0.9,
        epsilon=1e-5,
        center=True,
        gamma_initializer="ones",
        synchronized=True,
        **kwargs,
    ):
        """See the class."""
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.gamma_initializer = gamma_initializer
        self.synchronized = synchronized

    def build(self, input_shape):
        """Creates gamma, beta and the moving statistics, float32 [C]."""
        channels = input_shape[-1]
        self.gamma = self._add("gamma", channels, self.gamma_initializer)
        self.beta = None
        if self.center:
            self.beta = self._add("beta", channels, "zeros")
        self.moving_mean = self._add(
            "moving_mean", channels, "zeros", trainable=False
        )
        self.moving_variance = self._add(
            "moving_variance", channels, "ones", trainable=False
        )

    def _add(self, name, channels, initializer, *, trainable=True):
        return self.add_weight(
            name=name,
            shape=(channels,),
            initializer=initializer,
            trainable=trainable,
            dtype="float32",
            autocast=False,
        )

    def call(self, images, training=False):
        """Normalises [B, C] or [B, H, W, C] in the compute dtype."""
        if not (training and self.trainable):
            return self._by_moving_statistics(images)
        is_shared = self.synchronized and _is_replicated()
        if is_shared or images.dtype == tf.float32:
            outputs, mean, variance = self._by_moments(images, is_shared)
        else:
            outputs, mean, variance = self._by_fused_op(images)
        self._move(mean, variance, is_shared=is_shared)
        return outputs

    def _by_moving_statistics(self, images):
        outputs, _, _ = self._fused(
            images,
            mean=tf.convert_to_tensor(self.moving_mean),
            variance=tf.convert_to_tensor(self.moving_variance),
            is_training=False,
        )
        return outputs

    def _by_moments(self, images, is_shared):
        """The official arithmetic, E[x^2] - E[x]^2 in float32.

        Exacter ones part from the official outputs by more than rounding
        noise does: cancellation is most of that network's rounding error.
        """
        wide = tf.cast(images, tf.float32)
        axes = list(range(len(wide.shape) - 1))
        mean = tf.reduce_mean(wide, axes)
        square = tf.reduce_mean(tf.square(wide), axes)
        if is_shared:
            mean, square = _mean_over_replicas(mean, square)
        # Cancellation can leave less than zero.
        variance = tf.nn.relu(square - tf.square(mean))
        outputs = tf.nn.batch_normalization(
            wide, mean, variance, self._offset(), self.gamma, self.epsilon
        )
        return tf.cast(outputs, images.dtype), mean, variance

    def _by_fused_op(self, images):
        outputs, mean, variance = self._fused(images, is_training=True)
        # The op returns the corrected variance: n / (n - 1) is taken back.
        count = tf.cast(_count(images), tf.float32)
        return outputs, mean, variance * (count - 1.0) / count

    def _fused(self, images, **statistics):
        is_flat = len(images.shape) == 2
        if is_flat:
            images = images[:, tf.newaxis, tf.newaxis, :]  # [B, 1, 1, C]
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            images,
            tf.convert_to_tensor(self.gamma),
            self._offset(),
            epsilon=self.epsilon,
            **statistics,
        )
        if is_flat:
            outputs = outputs[:, 0, 0, :]  # [B, C]
        return outputs, mean, variance

    def _offset(self):
        if self.center:
            return tf.convert_to_tensor(self.beta)
        return tf.zeros_like(self.gamma)

    def _move(self, mean, variance, *, is_shared):
        if _is_replicated() and not is_shared:
            mean, variance = _mean_over_replicas(mean, variance)
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            step = (batch - moving) * (1.0 - self.momentum)
            moving.assign_add(tf.stop_gradient(step))


def _mean_over_replicas(*statistics):
    """Means over replicas of float32 [C] tensors, by one all-reduce."""
    total = distribution.all_reduce_sum(tf.stack(statistics))
    return tf.unstack(total / distribution.num_replicas())


def _is_replicated():
    """Whether this is one of several replicas."""
    is_replica = not tf.distribute.in_cross_replica_context()
    return is_replica and distribution.num_replicas() > 1


def _count(images):
    """Number of values behind each channel's statistics, an int64 []."""
    sizes = tf.shape(images, out_type=tf.int64)
    return tf.reduce_prod(sizes[:-1])
