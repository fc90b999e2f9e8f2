"""`--train_mode=distill` through the command line, on the digits."""

import dataclasses
import os
import re
import shutil

import numpy as np
import pytest
from command_line import (
    NETWORK,
    RUN,
    TINY,
    assert_same_values,
    metric_lines,
    run,
    values,
)

from simclr_tf import files
from simclr_tf.commands import api
from simclr_tf.data import digits
from simclr_tf.evaluation import fingerprint

LAST = 6
REPLICAS = 1e-3
"""A few small steps of float32 sums in another order."""
STUDENT = (
    *NETWORK,
    "--width_multiplier=0.0625",
    *RUN,
    "--train_mode=distill",
    "--optimizer=momentum",
    "--learning_rate=0.4",
)
MIXED = (
    "--distill_alpha=0.5",
    "--distill_temperature=2",
    "--labels_per_class=2",
)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The directory of a network trained on labels, exported too."""
    directory = str(tmp_path_factory.mktemp("teacher") / "run")
    done = run(
        *TINY,
        "--mode=train_then_eval",
        "--train_mode=finetune",
        "--from_scratch",
        f"--model_dir={directory}",
    )
    assert done.code == 0, done.lines
    return directory


@pytest.fixture(scope="module")
def student(teacher, tmp_path_factory):
    """(model_dir, outcome) of a student of it that sees some labels."""
    directory = str(tmp_path_factory.mktemp("student") / "run")
    done = run(
        *STUDENT,
        *MIXED,
        "--mode=train_then_eval",
        f"--teacher={teacher}",
        f"--model_dir={directory}",
    )
    assert done.code == 0, done.lines
    return directory, done


def distill(tmp_path, teacher, *flags):
    """Values of the last checkpoint of a run that must not fail."""
    done = run(
        *STUDENT, *flags, f"--teacher={teacher}", f"--model_dir={tmp_path}"
    )
    assert done.code == 0, done.lines
    return values(str(tmp_path), LAST)


def first_row(directory):
    return metric_lines(str(directory))[0]


def test_the_student_is_scored_and_the_teacher_is_what_it_was(teacher, student):
    directory, done = student
    text = "\n".join(done.lines)
    found = fingerprint.of_model(api.load_model(teacher))
    assert (
        f"verified: teacher unchanged, weights {found.weights[:12]}, "
        f"statistics {found.statistics[:12]}"
    ) in text
    assert "1437 images, 20 labels used" in text
    assert "width 0.0625" in text
    # t^2 log K, at temperature 2.
    assert f"(chance {4 * np.log(10):.3f})" in text
    result = files.read_json(f"{directory}/result.json")
    assert 0 <= result["eval/label_top_1_accuracy"] <= 1
    assert os.listdir(f"{directory}/saved_model") == [str(LAST)]


def test_what_is_measured_and_written(student):
    directory = student[0]
    assert {
        "train/distillation_loss",
        "train/teacher_agreement",
        "train/supervised_loss",
        "train/supervised_acc",
        "train/total_loss",
    } <= first_row(directory).keys()
    with open(f"{directory}/labels.txt") as file:
        lines = file.read().splitlines()
    assert sum(not line.startswith("#") for line in lines) == 20
    facts = files.read_json(f"{directory}/config.json")["facts"]
    assert facts == {
        "num_examples": 1437,
        "num_classes": 10,
        "class_names": [str(digit) for digit in range(10)],
        "train_steps": LAST,
        "teacher_step": LAST,
    }


@pytest.mark.slow
def test_a_run_that_lost_its_end_finds_it_again(teacher, student, tmp_path):
    copy = shutil.copytree(student[0], tmp_path / "copy")
    for path in copy.glob(f"ckpt-{LAST}.*"):
        path.unlink()
    done = run(*STUDENT, *MIXED, f"--teacher={teacher}", f"--model_dir={copy}")
    assert done.code == 0, done.lines
    assert any(line.startswith("resumed at step 3") for line in done.lines)
    assert_same_values(values(str(copy), LAST), values(student[0], LAST))


@pytest.mark.slow
def test_a_list_of_labels_and_a_savedmodel_in_place_of_a_run(
    teacher, student, tmp_path
):
    export = f"{teacher}/saved_model/{LAST}"
    found = distill(
        tmp_path / "run",
        export,
        *MIXED[:2],
        f"--label_file={student[0]}/labels.txt",
    )
    for path in (f"{teacher}/config.json", f"{tmp_path}/run/config.json"):
        names = files.read_json(path)["facts"]["class_names"]
        assert names == [str(digit) for digit in range(10)]
    assert_same_values(found, values(student[0], LAST))


@pytest.mark.slow
def test_without_weight_labels_play_no_part(teacher, tmp_path, monkeypatch):
    found = distill(tmp_path / "true", teacher)
    opening = digits.open_digits

    def permuted(split):
        source = opening(split)
        labels = np.random.default_rng(0).permutation(source.labels)
        return dataclasses.replace(source, labels=labels)

    monkeypatch.setattr(digits, "open_digits", permuted)
    assert_same_values(distill(tmp_path / "permuted", teacher), found)
    rows = [
        dict(first_row(tmp_path / name), images_per_sec=0)
        for name in ("true", "permuted")
    ]
    assert rows[0] == rows[1]
    assert not any("supervised" in name for name in rows[0])


def write_pictures(root, count):
    """Digits as PNG files of many sizes, in no class."""
    from PIL import Image

    root.mkdir()
    images = digits.open_digits("test").images[:count]
    for index, pixels in enumerate(images):
        picture = Image.fromarray(pixels)
        picture.resize((9 + index % 3, 8)).save(root / f"{index}.png")


@pytest.mark.slow
def test_pictures_without_labels_alone_and_beside_others(teacher, tmp_path):
    write_pictures(tmp_path / "pictures", 40)
    folder = f"folder:{tmp_path}/pictures"
    for name, flags, expected in (
        ("alone", (f"--dataset={folder}",), "train: 40 images, no label used"),
        (
            "beside",
            (f"--unlabelled_dataset={folder}", "--distill_alpha=0.3"),
            "train + train: 1477 images, 1437 labels used",
        ),
    ):
        done = run(
            *STUDENT,
            *flags,
            f"--teacher={teacher}",
            f"--model_dir={tmp_path}/{name}",
        )
        assert done.code == 0, done.lines
        assert expected in "\n".join(done.lines)
    scored = run(
        "--mode=eval",
        f"--model_dir={tmp_path}/alone",
        "--eval_split=train",
    )
    assert scored.lines == [
        "simclr-tf: eval_split must have labels; "
        f"'{folder}' split 'train' has none: no labels, as most images lie in "
        "no class folder"
    ]


@pytest.mark.slow
def test_self_training_starts_as_the_teacher(teacher, tmp_path):
    found = distill(
        tmp_path / "run",
        teacher,
        "--width_multiplier=0.125",
        f"--checkpoint={teacher}",
        "--keep_logits_layer",
        "--learning_rate=0",
    )
    theirs = values(teacher, LAST)
    kernels = [k for k in found if k.startswith("model/") and "kernel" in k]
    assert any("supervised_head" in key for key in kernels)
    for key in kernels:
        np.testing.assert_array_equal(found[key], theirs[key], err_msg=key)


@pytest.mark.slow
def test_two_replicas_equal_one(teacher, tmp_path):
    flags = (*MIXED, "--learning_rate=0.01")
    one, two = (
        distill(tmp_path / str(n), teacher, *flags, f"--num_replicas={n}")
        for n in (1, 2)
    )
    for key, value in one.items():
        np.testing.assert_allclose(two[key], value, atol=REPLICAS, err_msg=key)


@pytest.mark.slow
def test_a_plan_tells_the_same_and_writes_nothing(teacher, tmp_path):
    done = run(*STUDENT, "--mode=plan", f"--teacher={teacher}")
    assert done.code == 0, done.lines
    assert "1437 images, no label used" in done.output
    assert re.search(r"memory +not estimated for train_mode=d", done.output)
    assert re.search(r"run .* for 6 steps", done.output)


def complaint(*flags, directory):
    """The one line of a run that leaves nothing behind."""
    done = run(*STUDENT, *flags, f"--model_dir={directory}")
    assert done.code == 1, done.lines
    assert not os.path.exists(directory)
    (line,) = done.lines
    return line.removeprefix("simclr-tf: ")


def test_mistakes_are_one_line(teacher, tmp_path):
    write_pictures(tmp_path / "pictures", 4)
    folder = f"folder:{tmp_path}/pictures"
    known = f"--teacher={teacher}"
    for flags, expected in (
        ((), "teacher must be given for train_mode=distill; got None"),
        (
            (f"--teacher={tmp_path}",),
            "teacher: checkpoint must name a checkpoint or a SavedModel, or a "
            f"directory with one; got '{tmp_path}'",
        ),
        (
            (known, "--image_size=16"),
            "image_size must be 8, as teacher and student see the same views "
            f"and '{teacher}' was trained at it; got 16",
        ),
        (
            (known, f"--dataset={folder}", "--distill_alpha=0.5"),
            "distill_alpha must be 1 for images without labels; got 0.5, and "
            f"'{folder}' split 'train' has none",
        ),
        (
            (known, "--label_fraction=0.1"),
            "label_fraction must be 0.0 where distill_alpha is 1, which uses "
            "no label; got 0.1",
        ),
        (
            (known, "--unlabelled_dataset=folder:/nowhere"),
            "unlabelled_dataset: dataset must be",
        ),
    ):
        found = complaint(*flags, directory=tmp_path / "run")
        assert found.startswith(expected), found


def test_a_teacher_of_other_classes_or_of_none(teacher, tmp_path, monkeypatch):
    def three(split):
        source = opening(split)
        kept = source.labels < 3
        return dataclasses.replace(
            source,
            num_examples=int(kept.sum()),
            num_classes=3,
            class_names=("a", "b", "c"),
            images=source.images[kept],
            labels=source.labels[kept],
        )

    opening = digits.open_digits
    with monkeypatch.context() as patch:
        patch.setattr(digits, "open_digits", three)
        found = complaint(f"--teacher={teacher}", directory=tmp_path / "three")
    assert found == (
        f"teacher must have the 3 classes of 'digits'; '{teacher}' has 10"
    )
    headless = shutil.copytree(teacher, tmp_path / "headless")
    path = str(headless / "config.json")
    content = files.read_json(path)
    content["facts"]["num_classes"] = None
    files.write_json(path, content)
    found = complaint(f"--teacher={headless}", directory=tmp_path / "none")
    assert found == (
        f"teacher must have a supervised head; '{headless}' has none"
    )


def test_a_teacher_of_classes_by_other_names(teacher, tmp_path, monkeypatch):
    def renamed(split):
        names = ("zero", *map(str, range(1, 10)))
        return dataclasses.replace(opening(split), class_names=names)

    opening = digits.open_digits
    named = shutil.copytree(teacher, tmp_path / "named")
    path = str(named / "config.json")
    content = files.read_json(path)
    content["facts"]["class_names"][0] = "nought"
    files.write_json(path, content)
    monkeypatch.setattr(digits, "open_digits", renamed)
    found = complaint(f"--teacher={named}", directory=tmp_path / "run")
    assert found == (
        f"teacher must have the classes of 'digits', where class 0 is 'zero'; "
        f"of '{named}' it is 'nought'"
    )
    assert not (tmp_path / "run").exists()


def test_a_teacher_that_trained_on_is_another(teacher, student, tmp_path):
    younger = shutil.copytree(teacher, tmp_path / "teacher")
    for path in younger.glob(f"ckpt-{LAST}.*"):
        path.unlink()
    copy = shutil.copytree(student[0], tmp_path / "copy")
    path = str(copy / "config.json")
    content = files.read_json(path)
    content["config"]["teacher"] = str(younger)
    files.write_json(path, content)
    done = run(*STUDENT, *MIXED, f"--teacher={younger}", f"--model_dir={copy}")
    assert done.code == 1
    assert done.lines[-1].endswith(
        f"has teacher_step={LAST}, asked for teacher_step=3"
    )
