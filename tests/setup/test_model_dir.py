"""One run per directory: what it claims, recalls and refuses."""

import json

import pytest

from simclr_tf import cpu, errors
from simclr_tf.config import Config
from simclr_tf.setup import model_dir

FACTS = {"num_examples": 10, "num_classes": 2, "train_steps": 5}


def make(path, **values):
    return Config(**{"dataset": "digits", "model_dir": str(path)} | values)


def claim(path, **values):
    config = make(path, **values)
    model_dir.check_free(config, FACTS)
    model_dir.open_run(config, FACTS)
    return config


def test_a_run_is_written_down_with_versions(tmp_path):
    config = claim(tmp_path / "a/b", temperature=0.2)
    with open(tmp_path / "a/b/config.json") as file:
        written = json.load(file)
    assert written["config"]["temperature"] == 0.2
    assert written["facts"] == FACTS
    assert {"simclr_tf", "tensorflow", "keras"} <= written["versions"].keys()
    assert written["machine"] == cpu.record()
    run = model_dir.read_run(str(tmp_path / "a/b"))
    assert run == {"config": config, "facts": FACTS}
    assert run["config"].explicit == config.explicit


def test_no_run_is_none(tmp_path):
    assert model_dir.read_run(str(tmp_path)) is None
    assert model_dir.read_run(str(tmp_path / "nowhere")) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": 0.2},
        {"seed": 1},
        {"train_batch_size": 64},
        {"resnet_depth": 18},
        {"optimizer": "adam"},
        {"use_flip": False},
    ],
)
def test_another_identity_is_refused(tmp_path, changed):
    former = claim(tmp_path)
    before = (tmp_path / "config.json").read_text()
    ((name, value),) = changed.items()
    with pytest.raises(errors.UserError) as caught:
        model_dir.check_free(make(tmp_path, **changed), FACTS)
    assert str(caught.value) == (
        f"model_dir must hold no other run; {str(tmp_path)!r} has "
        f"{name}={getattr(former, name)!r}, asked for {name}={value!r}"
    )
    assert (tmp_path / "config.json").read_text() == before


def test_classes_keep_their_names(tmp_path):
    config = make(tmp_path)
    model_dir.open_run(config, FACTS | {"class_names": ["cat", "dog"]})
    model_dir.check_free(config, FACTS)
    model_dir.check_free(config, FACTS | {"class_names": ["cat", "dog"]})
    with pytest.raises(errors.UserError) as caught:
        model_dir.check_free(config, FACTS | {"class_names": ["cat", "owl"]})
    assert str(caught.value) == (
        f"model_dir must hold no other run; {str(tmp_path)!r} has 'dog' for "
        f"class 1, now it is 'owl'"
    )


def test_what_is_no_identity_may_differ(tmp_path):
    claim(tmp_path)
    claim(tmp_path, mode="train_then_eval", num_replicas=2, jit="off")
    run = model_dir.read_run(str(tmp_path))
    assert run["config"].num_replicas == 2


def test_a_file_is_refused(tmp_path):
    path = tmp_path / "run"
    path.write_text("precious")
    with pytest.raises(errors.UserError, match="must be a directory"):
        model_dir.check_free(make(path), FACTS)
    assert path.read_text() == "precious"


def test_what_cannot_be_written_is_refused():
    config = make("/dev/null/run")
    with pytest.raises(errors.UserError, match="model_dir must be writable"):
        model_dir.open_run(config, FACTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "\0" * 40,
        "[" * 200_000,
        '{"config": 5, "facts": {}}',
        '{"config": {"depht": 1}}',
        '{"config": {}, "facts": 3}',
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_damaged_record_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(errors.UserError, match=r"whole config\.json"):
        model_dir.read_run(str(tmp_path))


def test_recall_fills_what_was_not_set(tmp_path):
    claim(tmp_path, temperature=0.2, eval_split="test", knn_neighbors=7)
    config, facts = model_dir.recall_run(
        Config(mode="eval", model_dir=str(tmp_path), knn_neighbors=9)
    )
    assert facts == FACTS
    assert (config.dataset, config.temperature) == ("digits", 0.2)
    assert (config.eval_split, config.knn_neighbors) == ("test", 9)
    assert config.mode == "eval"


def test_recall_refuses_another_identity(tmp_path):
    claim(tmp_path, temperature=0.2)
    with pytest.raises(errors.UserError, match=r"temperature=0\.2, asked for"):
        model_dir.recall_run(
            Config(mode="eval", model_dir=str(tmp_path), temperature=0.1)
        )


def test_recall_by_a_checkpoint_of_a_run_that_moved(tmp_path):
    claim(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    prefix = str(tmp_path / "new/ckpt-3")
    (tmp_path / "new/ckpt-3.index").touch()
    config, _ = model_dir.recall_run(Config(mode="eval", checkpoint=prefix))
    assert config.model_dir == str(tmp_path / "new")
    assert config.checkpoint == prefix


def test_recall_forgets_what_the_run_started_from(tmp_path):
    claim(tmp_path, checkpoint="elsewhere/ckpt-9")
    config, _ = model_dir.recall_run(
        Config(mode="export", model_dir=str(tmp_path))
    )
    assert config.checkpoint is None
    again = Config(
        mode="eval", model_dir=str(tmp_path), checkpoint="elsewhere/ckpt-9"
    )
    assert model_dir.recall_run(again)[0].checkpoint is None


def test_recall_needs_a_run(tmp_path):
    with pytest.raises(errors.UserError, match="must hold a run"):
        model_dir.recall_run(Config(mode="eval", model_dir=str(tmp_path)))


@pytest.mark.parametrize("path", ["ckpt-3", "ckpt-3.index", ""])
def test_the_run_a_checkpoint_lies_in(tmp_path, path):
    (tmp_path / "ckpt-3.index").touch()
    found = model_dir.run_of(f"{tmp_path}/{path}".rstrip("/"))
    assert found == str(tmp_path)


def test_other_data_is_refused(tmp_path):
    config = claim(tmp_path)
    other = FACTS | {"num_examples": 11, "train_steps": 6}
    with pytest.raises(errors.UserError, match="were 10, now there are 11"):
        model_dir.check_free(config, other)
    model_dir.check_free(config.replace(accept_data_change=True), other)
    with pytest.raises(errors.UserError, match="train_steps=5"):
        model_dir.check_free(config, FACTS | {"train_steps": 6})


def test_a_checkpoint_of_the_run_is_kept(tmp_path):
    claim(tmp_path)
    for given in (f"{tmp_path}/ckpt-3", f"{tmp_path}/ckpt-3.index"):
        (tmp_path / "ckpt-3.index").touch()
        config, _ = model_dir.recall_run(
            Config(mode="eval", model_dir=str(tmp_path), checkpoint=given)
        )
        assert config.checkpoint == f"{tmp_path}/ckpt-3"


@pytest.mark.parametrize("mode", ["eval", "export"])
def test_a_checkpoint_from_elsewhere_is_refused(tmp_path, mode):
    claim(tmp_path)
    with pytest.raises(errors.UserError, match="checkpoint must lie in"):
        model_dir.recall_run(
            Config(mode=mode, model_dir=str(tmp_path), checkpoint="other/ck-1")
        )


def test_facts_that_are_missing_are_named(tmp_path):
    model_dir.open_run(make(tmp_path), {"num_classes": 3})
    with pytest.raises(errors.UserError, match="has no train_steps"):
        model_dir.recall_run(Config(mode="eval", model_dir=str(tmp_path)))


def test_checkpoints_of_others_are_not_overwritten(tmp_path):
    (tmp_path / "ckpt-3.index").touch()
    with pytest.raises(errors.UserError, match=r"holds 'ckpt-3\.index' and no"):
        model_dir.check_free(make(tmp_path), FACTS)


def test_a_directory_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.UserError, match="model_dir must be writable"):
        model_dir.make_directory(str(tmp_path / "file" / "run"))


def test_the_folder_of_images_is_no_model_dir(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to("photos")
    for name in ("photos", "link", "photos/"):
        config = make(f"{tmp_path}/{name}", dataset=f"folder:{tmp_path}/photos")
        with pytest.raises(errors.UserError, match="not be the folder of"):
            model_dir.check_free(config, FACTS)
    inside = make(tmp_path / "photos/run", dataset=f"folder:{tmp_path}/photos")
    model_dir.check_free(inside, FACTS)


def test_who_asks_for_more_epochs_is_told_the_way(tmp_path):
    claim(tmp_path, train_epochs=30)
    with pytest.raises(
        errors.UserError, match=r"to train a finished run longer add --extend"
    ):
        model_dir.check_free(make(tmp_path, train_epochs=40), FACTS)
    with pytest.raises(errors.UserError) as caught:
        model_dir.check_free(make(tmp_path, train_epochs=30, seed=3), FACTS)
    assert "train longer" not in str(caught.value)
