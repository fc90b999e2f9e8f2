"""Whole runs on folders of pictures, local and remote."""

import re

import numpy as np
import pytest
import tensorflow as tf
from command_line import (
    NETWORK,
    assert_same_values,
    metric_lines,
    run,
    values,
)


def write_pictures(root, count, *, broken=None):
    """PNG files of many sizes; the one called `broken` is cut short."""
    generator = np.random.default_rng(0)
    tf.io.gfile.makedirs(root)
    for index in range(count):
        size = (9 + index % 3, 8 + index % 4, 3)
        pixels = generator.integers(0, 256, size, np.uint8)
        content = tf.io.encode_png(pixels).numpy()
        if index == broken:
            content = content[: len(content) // 2]
        with tf.io.gfile.GFile(f"{root}/{index:02}.png", "wb") as file:
            file.write(content)


FOLDER_RUN = (
    *NETWORK,
    "--train_batch_size=4",
    "--train_steps=3",
    "--warmup_epochs=0",
    "--checkpoint_steps=1",
    "--jit=off",
)


@pytest.mark.slow
def test_unlabelled_remote_pictures_train_resume_and_export():
    root = "ram://end_to_end"
    write_pictures(f"{root}/pictures", 10)
    flags = (
        *FOLDER_RUN,
        f"--dataset=folder:{root}/pictures",
        f"--model_dir={root}/run",
    )
    outcome = run(*flags)
    assert outcome.code == 0, outcome.lines
    assert "no labels, so the online linear probe is off" in outcome.lines[0]
    expected = values(f"{root}/run", 3)
    for name in tf.io.gfile.glob(f"{root}/run/ckpt-3.*"):
        tf.io.gfile.remove(name)
    resumed = run(*flags)
    assert resumed.code == 0, resumed.lines
    assert resumed.lines[0].startswith("resumed at step 2")
    assert_same_values(values(f"{root}/run", 3), expected)
    assert [row["step"] for row in metric_lines(f"{root}/run")][-1] == 3
    exported = run("--mode=export", f"--model_dir={root}/run")
    assert exported.code == 0, exported.lines
    loaded = tf.saved_model.load(f"{root}/run/saved_model/3")
    assert loaded(tf.zeros([2, 8, 8, 3])).shape == (2, 64)


@pytest.mark.slow
def test_an_unreadable_picture_ends_a_run_that_can_go_on(tmp_path):
    """Saved at the last whole step, it is as if nothing had happened."""
    write_pictures(f"{tmp_path}/pictures", 40, broken=5)
    flags = (
        *NETWORK,
        "--train_batch_size=4",
        "--train_steps=10",
        "--steps_per_loop=10",
        "--warmup_epochs=0",
        "--jit=off",
        "--check_images=none",
        f"--dataset=folder:{tmp_path}/pictures",
    )
    here = f"--model_dir={tmp_path}/run"
    outcome = run(*flags, here, traced=True)
    assert outcome.code == 1
    *_, saved, last = outcome.lines
    step = int(re.match(r"saved at step (\d+), from which", saved)[1])
    assert 0 < step < 10
    assert last.startswith("simclr-tf: images must be readable; ")
    assert f"{tmp_path}/pictures/05.png" in last
    write_pictures(f"{tmp_path}/pictures", 40)
    refused = run(*flags, here)
    assert refused.code == 1
    assert "some were renamed or replaced; --accept" in refused.lines[-1]
    resumed = run(*flags, here, "--accept_data_change", traced=True)
    assert resumed.code == 0, resumed.lines
    assert resumed.lines[0].startswith(f"resumed at step {step}")
    whole = run(*flags, f"--model_dir={tmp_path}/whole", traced=True)
    assert whole.code == 0, whole.lines
    assert_same_values(
        values(f"{tmp_path}/run", 10), values(f"{tmp_path}/whole", 10)
    )
