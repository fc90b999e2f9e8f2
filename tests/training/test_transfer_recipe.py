"""The paper's grid for fine-tuning on other sets."""

import numpy as np
import pytest

from simclr_tf.training import transfer_recipe


def test_the_grid_is_the_paper_s():
    grid = transfer_recipe.grid()
    assert len(set(grid)) == len(grid) == 7 * 8
    rates = sorted({setting.learning_rate for setting in grid})
    np.testing.assert_allclose(np.log10(rates), np.linspace(-4, -1, 7))
    for rate in rates:
        decays = [s.weight_decay * rate for s in grid if s[0] == rate]
        assert decays[0] == 0
        np.testing.assert_allclose(np.log10(decays[1:]), np.linspace(-6, -3, 7))


@pytest.mark.parametrize(
    ("steps_per_epoch", "momentum"),
    [(1, 0.9), (100, 0.9), (200, 0.95), (1000, 0.99)],
)
def test_momentum_of_the_moving_statistics(steps_per_epoch, momentum):
    found = transfer_recipe.bn_momentum(steps_per_epoch)
    assert found == pytest.approx(momentum)
