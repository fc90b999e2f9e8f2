"""Multiply-adds, counted by hand and against published totals."""

import pytest
import tensorflow as tf

from simclr_tf.models import resnet, simclr
from simclr_tf.planning import products


def test_a_convolution_by_hand():
    kernel = tf.ones([3, 3, 3, 5])

    def network(images, training):
        return tf.nn.conv2d(images, kernel, 2, "SAME")

    (found,) = products.products_of(network, image_size=8)
    assert found == products.Product(
        kind="Conv2D",
        input_shape=(8, 8, 3),
        kernel_shape=(3, 3, 3, 5),
        strides=2,
        padding="SAME",
        output_shape=(4, 4, 5),
    )
    assert found.multiply_adds == 4 * 4 * 5 * 3 * 3 * 3


def test_a_dense_layer_by_hand():
    def network(images, training):
        return tf.matmul(tf.reshape(images, [1, -1]), tf.ones([12, 7]))

    (found,) = products.products_of(network, image_size=2)
    assert (found.kind, found.multiply_adds) == ("MatMul", 12 * 7)


@pytest.mark.parametrize(
    ("depth", "billions"),
    [  # He et al. 2016 with the stride in the 3x3
        pytest.param(50, 4.09, marks=pytest.mark.slow),
        pytest.param(101, 7.80, marks=pytest.mark.slow),
    ],
)
def test_published_totals(depth, billions):
    network = resnet.ResNet(depth)
    found = products.multiply_adds(network, image_size=224)
    assert found / 1e9 == pytest.approx(billions, rel=0.01)


def test_training_is_three_passes_of_two_operations():
    model = simclr.SimCLR(resnet.ResNet(10, width=0.125, stem="cifar"))
    one_pass = products.multiply_adds(model, image_size=8)
    assert products.training_flops(model, image_size=8) == 6 * one_pass
    encoder = products.multiply_adds(model.encoder, image_size=8)
    assert 0 < encoder < one_pass
