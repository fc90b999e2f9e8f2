"""`NTXent`, a Keras loss."""

import keras
import numpy as np
import pytest

import simclr_tf

ROWS = np.random.default_rng(0).standard_normal((8, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["auto", "dense", "streaming"])
@pytest.mark.parametrize("normalize", [True, False])
def test_it_is_nt_xent(name, normalize):
    loss = simclr_tf.NTXent(0.5, normalize=normalize, nt_xent=name)
    expected = simclr_tf.nt_xent(ROWS, temperature=0.5, normalize=normalize)
    found = loss(np.zeros(8), ROWS)
    assert float(found) == pytest.approx(float(expected.loss), rel=1e-5)


def test_a_config_makes_the_same_loss():
    loss = simclr_tf.NTXent(0.3, normalize=False, nt_xent="dense")
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is simclr_tf.NTXent
    assert again.get_config() == loss.get_config()


def test_other_implementations_are_refused():
    with pytest.raises(simclr_tf.UserError, match="nt_xent must be one of"):
        simclr_tf.NTXent(nt_xent="fast")(np.zeros(8), ROWS)
