"""Processes that a program starts after TensorFlow has run, as README says."""

import subprocess
import sys

PROGRAM = """
import multiprocessing
import numpy as np
import simclr_tf


def mean_of_views(seed):
    first, _ = simclr_tf.sample_views(seed, [0], height=8, width=8)
    images = np.ones([1, 8, 8, 3], np.float32)
    return simclr_tf.apply_views(images, first, image_size=8).numpy().mean()


if __name__ == "__main__":
    here = [mean_of_views(seed) for seed in (1, 2)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.map(mean_of_views, [1, 2])
    assert here == there, (here, there)
"""


def test_spawned_workers_compute_the_same(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
