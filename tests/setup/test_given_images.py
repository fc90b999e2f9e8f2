"""From a configuration to images, and to how views are drawn."""

import pytest

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.data import sources, transfer_sets
from simclr_tf.setup import given_images


def config(**values):
    return Config(dataset="digits", model_dir="d", image_size=8, **values)


def test_options_of_the_views():
    options = given_images.pretrain_view_options(config())
    assert options == {
        "strength": 1.0,
        "jitter_impl": "v2",
        "crop_area": (0.08, 1.0),
        "flip_prob": 0.5,
        "blur_prob": 0.5,
    }
    plain = given_images.pretrain_view_options(
        config(use_flip=False, use_blur=False, crop_min_area=0.3)
    )
    assert (plain["flip_prob"], plain["blur_prob"]) == (0, 0)
    assert plain["crop_area"] == (0.3, 1.0)


def test_eval_batches_cover_the_split_once():
    source = given_images.open_source(config(eval_split="test"), "eval_split")
    batches = list(
        given_images.eval_batches(config(eval_batch_size=100), source)
    )
    assert [int(b["mask"].numpy().sum()) for b in batches] == [100] * 3 + [60]


def test_a_split_without_labels_is_refused():
    source = sources.Source(name="folder:x", split="test", num_examples=3)
    with pytest.raises(errors.UserError) as caught:
        given_images.check_labelled(source, "eval_split")
    assert str(caught.value) == (
        "eval_split must have labels; 'folder:x' split 'test' has none"
    )
    labelled = given_images.open_labelled(
        config(eval_split="test"), "eval_split"
    )
    assert labelled.num_examples == 360


def test_a_transfer_set_without_such_a_split_is_named():
    (digits,) = transfer_sets.find(["digits"])
    with pytest.raises(errors.UserError) as caught:
        given_images.open_transfer(config(), digits, "nope")
    assert str(caught.value).startswith("transfer_datasets, digits: split must")
