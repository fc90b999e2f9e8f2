"""An untrained network that is a fair baseline.

As it is initialised for training, a residual network is a poor one: the last
batch norm of every block has gamma 0, so that only the shortcuts, whose
strides skip most pixels, reach the output; and the moving statistics are not
those of any image. Here every gamma is 1 and the statistics are estimated on
training images, without their labels.
"""

import tensorflow as tf

from simclr_tf.models import norm


def prepare(model, batches):
    """Sets every gamma to 1 and estimates all batch-norm statistics.

    Each batch norm keeps the mean of the statistics of the batches, in each
    of which the layers before it normalise by the batch.

    Args:
        model: a built Keras model that nothing has trained; changed in place.
        batches: iterable of float32 [b, S, S, 3] in [0, 1], at least one, of
            equal size and in random order.

    Returns:
        The model itself.
    """
    layers = norm.layers_of(model)
    for layer in layers:
        layer.gamma.assign(tf.ones_like(layer.gamma))
    momenta = [layer.momentum for layer in layers]
    for seen, images in enumerate(batches):
        for layer in layers:
            layer.momentum = seen / (seen + 1)
        model(images, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    return model
