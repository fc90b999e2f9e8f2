"""Batch normalisation: fused, or synchronised in the official arithmetic.

Dimension letters: `B` rows, `H W` image axes, `C` channels, `R` replicas.
"""

import contextlib
import threading

import keras
import tensorflow as tf

from simclr_tf import distribution


class _Pass(threading.local):
    """How the current thread's pass differs; replicas have threads each."""

    is_held = False
    is_local = False


_PASS = _Pass()


@contextlib.contextmanager
def _during(name, value):
    before = getattr(_PASS, name)
    setattr(_PASS, name, value)
    try:
        yield
    finally:
        setattr(_PASS, name, before)


def statistics_held(is_held=True):
    """Within it, batch norm normalises by the batch but moves nothing.

    For another pass over a batch that is to count once.

    Args:
        is_held: False changes nothing.
    """
    return _during("is_held", _PASS.is_held or is_held)


def statistics_local():
    """Within it, no batch norm looks at other replicas, nor waits for them.

    For loops, where replicas cannot meet; the moving statistics of replicas
    differ afterwards, and who enters it makes them one again.
    """
    return _during("is_local", True)


class BatchNorm(keras.layers.Layer):
    """Batch normalisation over all axes but the last, for rank 2 and rank 4.

    In training the batch's own mean and uncorrected variance normalise it,
    and move the moving statistics:

        moving <- momentum * moving + (1 - momentum) * batch.

    In inference, and when `trainable` is False, the moving statistics
    normalise. All variables and statistics are float32 whatever the compute
    dtype; the output has the compute dtype.

    Where statistics are of one replica, training is one fused operation;
    otherwise, and if not `fused`, it is the official arithmetic,
    E[x^2] - E[x]^2. The two differ by rounding. TensorFlow's own kernel
    subtracts the mean first, so its variance is good to float32's last
    digits. XLA (`jit="on"`, a TPU) expands the operation to
    E[x^2] - E[x]^2: at mean 30 and deviation 1 the variance is off by 1e-4
    to 1e-3, relative, which grows with the square of the mean.

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
        fused: see above.
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
        fused=True,
        **kwargs,
    ):
        """See the class."""
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.gamma_initializer = gamma_initializer
        self.synchronized = synchronized
        self.fused = fused

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
        is_shared = self.synchronized and _meets_replicas()
        if self.fused and not is_shared:
            outputs, mean, variance = self._by_fused_op(images)
        else:
            outputs, mean, variance = self._by_moments(images, is_shared)
        if not _PASS.is_held:
            self._move(mean, variance, is_shared=is_shared)
        return outputs

    def _by_moving_statistics(self, images):
        outputs, _, _ = self._fused_op(
            images,
            mean=tf.convert_to_tensor(self.moving_mean),
            variance=tf.convert_to_tensor(self.moving_variance),
            is_training=False,
        )
        return outputs

    def _by_moments(self, images, is_shared):
        """The official arithmetic, E[x^2] - E[x]^2 in float32.

        Cancellation is most of the official network's rounding error, so
        exact variances are further from its outputs than rounding noise is.
        """
        wide = tf.cast(images, tf.float32)
        axes = list(range(len(wide.shape) - 1))
        mean = tf.reduce_mean(wide, axes)
        square = tf.reduce_mean(tf.square(wide), axes)
        if is_shared:
            mean, square = distribution.mean_over_replicas([mean, square])
        # Cancellation can leave less than zero.
        variance = tf.nn.relu(square - tf.square(mean))
        outputs = tf.nn.batch_normalization(
            wide, mean, variance, self._offset(), self.gamma, self.epsilon
        )
        return tf.cast(outputs, images.dtype), mean, variance

    def _by_fused_op(self, images):
        outputs, mean, variance = self._fused_op(images, is_training=True)
        # The op returns the corrected variance: n / (n - 1) is taken back.
        count = tf.cast(_count(images), tf.float32)
        return outputs, mean, variance * (count - 1.0) / count

    def _fused_op(self, images, **statistics):
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
        if _meets_replicas() and not is_shared:
            mean, variance = distribution.mean_over_replicas([mean, variance])
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            step = (batch - moving) * (1.0 - self.momentum)
            moving.assign_add(tf.stop_gradient(step))


def _meets_replicas():
    """Whether this is one of several replicas, in touch with the others."""
    is_replica = not tf.distribute.in_cross_replica_context()
    is_one_of_many = is_replica and distribution.num_replicas() > 1
    return is_one_of_many and not _PASS.is_local


def _count(images):
    """Number of values behind each channel's statistics, an int64 []."""
    sizes = tf.shape(images, out_type=tf.int64)
    return tf.reduce_prod(sizes[:-1])


def layers_of(model):
    """A model's batch norms, a list; found by the layers' type.

    Args:
        model: a built Keras model.
    """
    kinds = (BatchNorm, keras.layers.BatchNormalization)
    return [
        layer for layer in model._flatten_layers() if isinstance(layer, kinds)
    ]


def statistics_of(model):
    """The moving means and variances of a model's batch norms, a list.

    Whether they are frozen plays no part.

    Args:
        model: a built Keras model.
    """
    return [
        variable
        for layer in layers_of(model)
        for variable in (layer.moving_mean, layer.moving_variance)
    ]
