"""Files that the frozen protocol leaves, whatever was scored before."""

import numpy as np

from simclr_tf.config import Config
from simclr_tf.evaluation import npz_file
from simclr_tf.scoring import frozen


def test_classifiers_need_no_earlier_report(tmp_path):
    """A run without a supervised head has written none."""
    config = Config(mode="eval", model_dir=str(tmp_path))
    frozen.write_classifiers(config, 3, {"weights": np.ones(2)})
    found = npz_file.load(str(tmp_path / "report" / "classifiers_3.npz"))
    np.testing.assert_array_equal(found["weights"], np.ones(2))
