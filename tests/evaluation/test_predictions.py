import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.evaluation import npz_file, predictions


def made(n=6, seed=0, **changes):
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, 4)).astype(np.float32)
    found = predictions.from_logits(logits, np.arange(n) % 4, top_k=2)
    return found._replace(**changes)


def test_best_classes_come_first():
    logits = np.array([[1.0, 3, 2], [5, 5, 0]], np.float32)
    found = predictions.from_logits(logits, [2, 0], top_k=2)
    np.testing.assert_array_equal(found.predicted, [1, 0])
    np.testing.assert_array_equal(found.top_classes, [[1, 2], [0, 1]])
    np.testing.assert_array_equal(found.top_logits, [[3, 2], [5, 5]])
    np.testing.assert_array_equal(found.correct, [False, True])
    np.testing.assert_array_equal(found.examples, [0, 1])


def test_more_classes_than_there_are_keeps_all():
    found = predictions.from_logits(np.zeros((2, 3)), [0, 1], top_k=5)
    assert found.top_logits.shape == (2, 3)


@pytest.mark.parametrize("names", [None, ["a.png", "b.png", "é.png"]])
def test_round_trip(tmp_path, names):
    ours = made(3)
    if names:
        ours = ours._replace(examples=np.array(names))
    predictions.save(f"{tmp_path}/p.npz", ours)
    found = predictions.load(f"{tmp_path}/p.npz")
    for mine, theirs in zip(ours, found, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype


def test_what_is_no_file_of_predictions_is_an_error(tmp_path):
    paths = [f"{tmp_path}/{name}" for name in ("none", "text", "other")]
    (tmp_path / "text").write_text("hello")
    npz_file.save(paths[2], {"labels": np.zeros(3)})
    for path in paths:
        with pytest.raises(errors.UserError, match="must be read from a file"):
            predictions.load(path)


def test_columns_of_different_lengths_are_an_error(tmp_path):
    predictions.save(f"{tmp_path}/p.npz", made(labels=np.zeros(2, np.int32)))
    with pytest.raises(errors.UserError, match="one entry per example"):
        predictions.load(f"{tmp_path}/p.npz")


def test_another_order_is_put_right():
    ours = made()
    order = np.random.default_rng(1).permutation(6)
    theirs = predictions.Predictions(*(column[order] for column in ours))
    for mine, other in zip(
        ours, predictions.aligned(ours, theirs), strict=True
    ):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        (made(5), "got 6 and 5, 1 in one alone \\(5\\)"),
        (made(examples=np.arange(1, 7)), "2 in one alone \\(0, 6\\)"),
        (made(examples=np.array(list("abcdef"))), "12 in one alone"),
        (made(labels=np.zeros(6, np.int32)), "4 examples have others \\(1, 2"),
    ],
)
def test_other_examples_are_an_error(theirs, message):
    with pytest.raises(errors.UserError, match=message):
        predictions.aligned(made(), theirs)
