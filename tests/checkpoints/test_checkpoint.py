"""Saving, verifying and resuming, with real damage to real files."""

import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from simclr_tf import errors
from simclr_tf.checkpoints import checkpoint, state, weights


class ListModel(keras.Model):
    """Layers in a list: what Keras 3 drops from an object-graph checkpoint."""

    def __init__(self):
        super().__init__(name="tiny")
        self.stack = [
            keras.layers.Dense(4, name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(2, name="second"),
        ]

    def call(self, images, training=False):
        hidden = tf.reshape(images, [-1, 12])
        for layer in self.stack:
            hidden = layer(hidden)
        return hidden


def make_state(seed=0):
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    return state.make_state(ListModel(), optimizer, image_size=2)


def train(run, steps=1):
    for _ in range(steps):
        with tf.GradientTape() as tape:
            images = tf.ones([3, 2, 2, 3]) * float(run.step + 1)
            loss = tf.reduce_mean(run.model(images, training=True) ** 2)
        variables = run.model.trainable_variables
        run.optimizer.apply(tape.gradient(loss, variables), variables)


def values(run):
    table = weights.variable_table(run)
    return {key: variable.numpy() for key, variable in table.items()}


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        np.testing.assert_array_equal(value, theirs[key], err_msg=key)


@pytest.fixture
def directory(tmp_path):
    return str(tmp_path)


@pytest.fixture
def two_saved(directory):
    """Checkpoints of steps 1 and 2, and the values at each."""
    run, seen = make_state(), {}
    saver = checkpoint.Checkpoints(directory, run)
    for step in (1, 2):
        train(run)
        saver.save()
        seen[step] = values(run)
    return seen


def restored(directory):
    run = make_state(seed=9)
    found = checkpoint.Checkpoints(directory, run).restore_latest()
    return run, found


def test_no_variable_is_missing(directory, two_saved):
    saved = weights.read_shapes(os.path.join(directory, "ckpt-2"))
    run = make_state()
    expected = len(run.model.variables) + len(run.optimizer.variables)
    assert len(saved) == expected == len(weights.variable_table(run))


def test_everything_comes_back(directory, two_saved):
    run, found = restored(directory)
    assert run.step == 2
    assert found.is_exact
    assert_same(values(run), two_saved[2])


def test_an_empty_directory_restores_nothing(directory):
    run, found = restored(directory)
    assert found is None
    assert run.step == 0


def damage_truncate(prefix):
    name = f"{prefix}.data-00000-of-00001"
    os.truncate(name, os.path.getsize(name) // 2)


def damage_flip(prefix):
    with open(f"{prefix}.data-00000-of-00001", "r+b") as file:
        file.seek(-20, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 255]))


def damage_index(prefix):
    with open(f"{prefix}.index", "wb"):
        pass


def damage_no_index(prefix):
    os.remove(f"{prefix}.index")


def damage_no_data(prefix):
    os.remove(f"{prefix}.data-00000-of-00001")


DAMAGES = [
    damage_truncate,
    damage_flip,
    damage_index,
    damage_no_index,
    damage_no_data,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_falls_back_to_the_older(directory, two_saved, damage):
    damage(os.path.join(directory, "ckpt-2"))
    run, _ = restored(directory)
    assert run.step == 1
    assert_same(values(run), two_saved[1])


def test_all_damaged_is_an_error_not_a_fresh_start(directory, two_saved):
    for step in (1, 2):
        damage_truncate(os.path.join(directory, f"ckpt-{step}"))
    with pytest.raises(errors.UserError, match=r"ckpt-2.*ckpt-1"):
        restored(directory)


META_DAMAGE = (
    "",
    "{}",
    "[]",
    "null",
    '{"sizes": [1]}',
    '{"sizes": {"ckpt-2.index": "long"}}',
    "[" * 200_000,
    "\0" * 50,
)


@pytest.mark.parametrize("content", META_DAMAGE, ids=lambda text: text[:12])
def test_a_damaged_meta_file_is_damage(directory, two_saved, content):
    with open(f"{directory}/ckpt-2.meta.json", "w") as file:
        file.write(content)
    run, _ = restored(directory)
    assert run.step == 1
    assert_same(values(run), two_saved[1])
    assert checkpoint.newest_whole(directory) == 1


def test_a_meta_file_of_before_that_tells_no_sizes(directory, two_saved):
    """Paths with patterns had such; the index has to be there."""
    for content in ('{"sizes": {}}', '{"sizes": {}, "step": 2}'):
        with open(f"{directory}/ckpt-2.meta.json", "w") as file:
            file.write(content)
        assert restored(directory)[0].step == 2
    os.remove(f"{directory}/ckpt-2.index")
    assert restored(directory)[0].step == 1


def test_parts_of_two_first_checkpoints_are_no_loss(directory, two_saved):
    """Two kills while the first one is written: the run starts again."""
    for step in (1, 2):
        os.remove(f"{directory}/ckpt-{step}.meta.json")
        os.remove(f"{directory}/ckpt-{step}.index")
    assert restored(directory)[1] is None


def test_checkpoints_without_their_meta_files_are_no_fresh_start(
    directory, two_saved
):
    for step in (1, 2):
        os.remove(f"{directory}/ckpt-{step}.meta.json")
    with pytest.raises(errors.UserError, match=r"meta\.json.*1, 2"):
        restored(directory)


def test_a_first_checkpoint_cut_short_is_named(directory, two_saved, caplog):
    """As a kill leaves it while it is written: the run starts again."""
    for name in os.listdir(directory):
        if name.startswith("ckpt-2") or name.endswith("meta.json"):
            os.remove(f"{directory}/{name}")
    run, found = restored(directory)
    assert (run.step, found) == (0, None)
    assert "ckpt-1 was not written to its end" in caplog.text


def test_older_files_of_no_checkpoint_are_swept(directory, two_saved):
    """What a kill left behind, but not what may yet be committed."""
    os.remove(f"{directory}/ckpt-1.meta.json")
    os.makedirs(f"{directory}/ckpt-0_temp/part")
    for name in ("ckpt-9.index", "ckpt-9.data-00000-of-00001", "ckpt-x.index"):
        with open(f"{directory}/{name}", "w") as file:
            file.write("x")
    run, _ = restored(directory)
    train(run)
    checkpoint.Checkpoints(directory, run).save()
    left = set(os.listdir(directory))
    assert not {x for x in left if x.startswith(("ckpt-1.", "ckpt-0"))}
    assert {"ckpt-9.index", "ckpt-x.index", "ckpt-2.index"} <= left


def test_the_newest_that_is_whole(directory, two_saved):
    assert checkpoint.newest_whole(directory) == 2
    damage_truncate(f"{directory}/ckpt-2")
    assert checkpoint.newest_whole(directory) == 1
    damage_truncate(f"{directory}/ckpt-1")
    assert checkpoint.newest_whole(directory) is None


def test_an_uncommitted_checkpoint_is_invisible(directory, two_saved):
    os.remove(os.path.join(directory, "ckpt-2.meta.json"))
    run, _ = restored(directory)
    assert run.step == 1


def test_only_the_newest_are_kept(directory):
    run = make_state()
    saver = checkpoint.Checkpoints(directory, run, keep=2)
    for _ in range(4):
        train(run)
        saver.save()
    assert checkpoint.committed_steps(directory) == [3, 4]
    assert not [n for n in os.listdir(directory) if n.startswith("ckpt-1")]


def test_a_nan_is_never_saved(directory):
    run = make_state()
    run.model.variables[0].assign(run.model.variables[0] * float("nan"))
    with pytest.raises(errors.UserError, match="first/kernel"):
        checkpoint.Checkpoints(directory, run).save()
    assert os.listdir(directory) == []


def test_resumed_equals_uninterrupted(directory):
    whole = make_state()
    train(whole, steps=4)
    first = make_state()
    train(first, steps=2)
    checkpoint.Checkpoints(directory, first).save()
    second, _ = restored(directory)
    train(second, steps=2)
    assert_same(values(second), values(whole))


def test_checkpoints_live_on_any_gfile_path():
    run = make_state()
    train(run)
    checkpoint.Checkpoints("ram://checkpoint_test", run).save()
    again, _ = restored("ram://checkpoint_test")
    assert_same(values(again), values(run))


def test_replicas_save_what_one_device_restores(directory, mirrored):
    with mirrored(2).scope():
        run = make_state()
    checkpoint.Checkpoints(directory, run).save()
    single, found = restored(directory)
    assert found.is_exact
    np.testing.assert_array_equal(
        single.model.variables[0].numpy(), run.model.variables[0].numpy()
    )
