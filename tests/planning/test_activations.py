"""Live memory of graphs small enough to count by hand, and of a network."""

import types

import keras
import pytest
import tensorflow as tf

from simclr_tf.models import resnet, simclr
from simclr_tf.planning import activations, products

ROWS = activations.ROWS
SIZE = 16
TOLERANCE = 0.02
"""What a formula of convolutions leaves out: the heads."""


class TwoLayers:
    """relu(x w1) w2 on the pixels of 2 x 2 images."""

    def __init__(self):
        self.first = keras.Variable(tf.ones([12, 8]))
        self.second = keras.Variable(tf.ones([8, 3]))
        self.trainable_variables = [self.first, self.second]

    def __call__(self, images, training):
        rows = tf.reshape(images, [ROWS, 12])
        hidden = tf.nn.relu(tf.matmul(rows, self.first))
        return types.SimpleNamespace(
            projections=tf.matmul(hidden, self.second), logits=None
        )


def test_two_layers_by_hand():
    found = activations.activations_of(TwoLayers(), image_size=2)
    # The second product's gradient needs the ReLU's output; the projections
    # have just been summed.
    assert found.kept == 4 * (8 + 3)
    # The product beside its ReLU, or the ReLU's output, its gradient and
    # that gradient before the ReLU.
    assert found.forward == 4 * (8 + 8)
    assert found.peak == 4 * (8 + 8 + 8)


def live(function, width=4):
    spec = tf.TensorSpec([ROWS, width], tf.float32)
    graph = tf.function(function).get_concrete_function(spec).graph
    return [size / ROWS for size in activations.live_bytes(graph)]


def test_a_tensor_lives_until_it_is_last_read():
    def chain(x):
        return tf.exp(tf.exp(tf.exp(x)))

    def late(x):
        first = tf.exp(x)
        return tf.exp(tf.exp(first)) + first

    assert max(live(chain)) == 2 * 16
    assert max(live(late)) == 3 * 16


def test_reshapes_take_nothing_and_weights_are_no_rows():
    def function(x):
        table = tf.fill([7, 1000], 2.0)
        tall = tf.reshape(tf.identity(x), [ROWS, 2, 2])
        return tf.exp(tall), table

    assert max(live(function)) == 16


def network(*, remat=False, dtype="float32", fused=True):
    encoder = resnet.ResNet(
        18, width=0.25, stem="cifar", remat=remat, dtype=dtype, fused_bn=fused
    )
    return simclr.SimCLR(encoder, num_classes=3).build_on(SIZE)


def held(**options):
    return activations.activations_of(network(**options), image_size=SIZE)


def test_a_network_keeps_outputs_of_convolutions_and_of_relus():
    model = network()
    convs = [
        product
        for product in products.products_of(model, image_size=SIZE)
        if product.kind == "Conv2D"
    ]
    outputs = sum(4 * _numbers(conv.output_shape) for conv in convs)
    # Each of them keeps its output, and one of side 3 (or the block that it
    # ends) a ReLU's output of the same size; a strided one its padded input.
    sided = [conv for conv in convs if conv.kernel_shape[0] == 3]
    relus = sum(4 * _numbers(conv.output_shape) for conv in sided)
    strided = [conv for conv in sided if conv.strides == 2]
    pads = sum(4 * _numbers(conv.input_shape) for conv in strided)
    expected = outputs + relus + pads
    found = activations.activations_of(model, image_size=SIZE)
    assert found.kept == pytest.approx(expected, rel=TOLERANCE)
    assert found.kept < found.peak < 1.5 * found.kept
    assert found.forward < found.kept / 3


@pytest.mark.slow
def test_what_saves_memory_and_what_costs_it():
    plain = held()
    assert held(dtype="mixed_bfloat16").kept == pytest.approx(
        plain.kept / 2, rel=TOLERANCE
    )
    again = held(remat=True)
    assert again.kept < plain.kept / 2
    assert again.peak < plain.peak / 1.5
    assert again.operations > plain.operations
    # The official arithmetic widens to float32, and keeps that.
    shared = held(dtype="mixed_bfloat16", fused=False)
    assert shared.kept > 1.2 * held(dtype="mixed_bfloat16").kept


def _numbers(shape):
    height, width, channels = shape
    return height * width * channels
