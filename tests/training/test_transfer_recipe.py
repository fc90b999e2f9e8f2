"""The paper's grid for fine-tuning on other sets."""

import numpy as np
import pytest

from simclr_tf.training import transfer_recipe


def test_the_grid_is_the_paper_s():
    rates = np.log10(transfer_recipe.LEARNING_RATES)
    np.testing.assert_allclose(rates, np.linspace(-4, -1, 7))
    none, *decays = transfer_recipe.WEIGHT_DECAYS
    assert none == 0
    np.testing.assert_allclose(np.log10(decays), np.linspace(-6, -3, 7))


def test_decays_are_divided_by_the_rate():
    setting = transfer_recipe.make_setting(0.01, 1e-4)
    assert setting.learning_rate == 0.01
    assert setting.weight_decay == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("steps_per_epoch", "momentum"),
    [(1, 0.9), (100, 0.9), (200, 0.95), (1000, 0.99)],
)
def test_momentum_of_the_moving_statistics(steps_per_epoch, momentum):
    found = transfer_recipe.bn_momentum(steps_per_epoch)
    assert found == pytest.approx(momentum)
