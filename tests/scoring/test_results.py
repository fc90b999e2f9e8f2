"""What later evaluations add to result files."""

import pytest

from simclr_tf import errors
from simclr_tf.config import Config
from simclr_tf.scoring import results


def test_what_is_not_scored_again_stays():
    knn, linear = ({"method": m, "budget": "1%"} for m in ("knn", "linear"))
    again = {"budget": "1%", "method": "knn"}  # as sorted in a file
    former = {
        "global_step": 3,
        "eval/top": 0.5,
        "frozen": {"pretrained": [knn | {"mean": 0.1}, linear | {"mean": 0.2}]},
        "transfer": {"linear": {"digits": {"score": 0.3}}},
    }
    result = {
        "global_step": 3,
        "frozen": {"pretrained": [again | {"mean": 0.9}], "blocks": []},
        "transfer": {"finetune": {"digits": {"score": 0.4}}},
    }
    assert results.join(former, result) == {
        "global_step": 3,
        "eval/top": 0.5,
        "frozen": {
            "pretrained": [knn | {"mean": 0.9}, linear | {"mean": 0.2}],
            "blocks": [],
        },
        "transfer": {
            "linear": {"digits": {"score": 0.3}},
            "finetune": {"digits": {"score": 0.4}},
        },
    }


def test_another_step_begins_anew(tmp_path):
    config = Config(mode="eval", model_dir=str(tmp_path))
    results.write(config, {"global_step": 3, "a": 1, **images(config)}, 3)
    results.write(config, {"global_step": 6, "b": 2, **images(config)}, 6)
    assert results.former(config, 3)["a"] == 1
    assert "a" not in results.former(config, 6)
    assert results.former(config, 9) == {}


def test_other_images_are_one_line(tmp_path):
    config = Config(mode="eval", model_dir=str(tmp_path), eval_split="test")
    results.check_images(config)
    results.write(config, {"global_step": 3, **images(config)}, 3)
    results.check_images(config)
    with pytest.raises(errors.UserError) as caught:
        results.check_images(config.replace(eval_split="train"))
    assert str(caught.value).startswith(
        f"eval_split must be 'test', of which model_dir {str(tmp_path)!r} "
        f"holds the scores; got 'train'"
    )


def images(config):
    return results.images_of(config)
