import os

import numpy as np
import pytest

from simclr_tf.evaluation import npz_file

ARRAYS = {
    "values/h": np.arange(12, dtype=np.float32).reshape(4, 3),
    "labels": np.array([1, 0, 2, 1], np.int32),
    "facts": np.array("a text"),
}


@pytest.mark.parametrize("where", ["local", "ram"])
def test_round_trip(tmp_path, where):
    path = f"{tmp_path}/a.npz" if where == "local" else "ram://npz_a/a.npz"
    for _ in range(2):  # the second replaces the first
        npz_file.save(path, ARRAYS)
        found = npz_file.load(path)
        assert set(found) == set(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype


def test_nothing_but_the_file_is_left(tmp_path):
    npz_file.save(f"{tmp_path}/a.npz", ARRAYS)
    assert os.listdir(tmp_path) == ["a.npz"]


def test_any_altered_byte_is_seen_or_harmless(tmp_path):
    path = tmp_path / "a.npz"
    npz_file.save(str(path), ARRAYS)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    for place in generator.integers(0, len(content), 300):
        altered = bytearray(content)
        altered[place] ^= int(generator.integers(1, 256))
        path.write_bytes(altered)
        try:
            found = npz_file.load(str(path))
        except npz_file.DAMAGE:
            continue
        for name in set(found) & set(ARRAYS):
            np.testing.assert_array_equal(found[name], ARRAYS[name])


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_cut_file_is_damage(tmp_path, share):
    path = tmp_path / "a.npz"
    npz_file.save(str(path), ARRAYS)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(npz_file.DAMAGE):
        npz_file.load(str(path))


def test_a_missing_file_is_damage(tmp_path):
    with pytest.raises(npz_file.DAMAGE):
        npz_file.load(f"{tmp_path}/none.npz")


def test_pickled_objects_are_not_executed(tmp_path):
    path = f"{tmp_path}/objects.npz"
    np.savez(path, values=np.array([{"a": 1}], dtype=object))
    with pytest.raises(npz_file.DAMAGE):
        npz_file.load(path)
