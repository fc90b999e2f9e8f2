"""Lists of labelled images: round trips, lists by others, mistakes."""

import dataclasses
import os
import pathlib

import numpy as np
import pytest

from simclr_tf import errors
from simclr_tf.data import catalog, label_files, labelled, sources

NAMES = ("train/ant/a.png", "train/ant/b c.png", "train/bee/a.png", "#d.png")


def named(names=NAMES):
    num = len(names)
    return sources.BytesSource(
        name="set",
        split="train",
        num_examples=num,
        num_classes=2,
        labels=np.zeros(num, np.int32),
        read_names=lambda: names,
        contents=(b"",) * num,
    )


def listed(tmp_path, text):
    path = str(tmp_path / "labels.txt")
    pathlib.Path(path).write_bytes(text.encode())
    return path


def test_a_list_is_read_back(source, tmp_path):
    chosen = labelled.choose(source, labels_per_class=2, seed=0)
    path = listed(tmp_path, label_files.render(source, chosen, seed=0))
    assert label_files.read(path, source) == chosen.tolist()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_of_any_editor(tmp_path, encoding, end):
    """Its header is known as one: the byte order mark comes before it."""
    source = catalog.open_source("digits", "train")
    text = label_files.render(source, [3, 14]).replace("\n", end)
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode(encoding))
    assert label_files.read(str(path), source) == [3, 14]
    other = catalog.open_source("digits", "test")
    with pytest.raises(errors.UserError, match="must be of split test"):
        label_files.read(str(path), other)


HANDSOME = (
    "a\u2013b.png",
    "it's.png",
    "o\u0308l.png",
    "x y.png",
    "x\u00a0y.png",
)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a-b.png", 0),
        ("\u201ca\u2014b.png\u201d", 0),
        ("it\u2019s.png\u00a0", 1),
        ("\u00f6l.png", 2),
        ("\u200bo\u0308l.png", 2),
        # Names that there are are not changed.
        ("x y.png", 3),
        ("x\u00a0y.png", 4),
    ],
)
def test_names_that_look_alike_are_found(tmp_path, line, found):
    path = tmp_path / "labels.txt"
    path.write_text(f"{line}\n\u00a0\n", encoding="utf-8")
    assert label_files.read(str(path), named(HANDSOME)) == [found]


def test_several_that_look_alike_are_told(tmp_path):
    path = listed(tmp_path, "x\u202fy.png\n")
    with pytest.raises(errors.UserError, match="may be any of 2"):
        label_files.read(path, named(HANDSOME))


def test_what_is_no_text_is_named(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.UserError, match="label_file must be a text fil"):
        label_files.read(str(path), named())


def test_a_list_of_digits_tells_where_it_is_from():
    source = catalog.open_source("digits", "train[:50%]")
    text = label_files.render(source, [3, 14], seed=5, label_fraction=None)
    *header, first, second = text.splitlines()
    assert (first, second) == ("3", "14")
    assert all(line.startswith("# ") for line in header)
    facts = {
        "dataset: digits",
        "split: train[:50%]",
        "count: 2",
        "seed: 5",
        f"num_examples: {source.num_examples}",
    }
    assert {f"# {fact}" for fact in facts} <= set(header)
    assert "label_fraction" not in text


def test_a_list_of_a_folder_is_of_paths_from_it(labelled_folder, tmp_path):
    source = catalog.open_source(f"folder:{labelled_folder}", "train")
    text = label_files.render(source, [1, 6])
    assert text.splitlines()[-2:] == ["ant/1.png", "bee/nested/6.png"]
    assert label_files.read(listed(tmp_path, text), source) == [1, 6]


def test_a_list_follows_a_folder_elsewhere(tmp_path, image_maker):
    texts = []
    for place in ("here", "there"):
        for index in range(3):
            image_maker.write(
                os.path.join(tmp_path, place, "ant", f"{index}.png"),
                image_maker.encode(image_maker.random_image(index)),
            )
        source = catalog.open_source(f"folder:{tmp_path}/{place}", "train")
        texts.append(label_files.render(source, [0, 2]))
    path = listed(tmp_path, texts[0])
    assert label_files.read(path, source) == [0, 2]


def test_odd_names_are_read_back(tmp_path):
    text = label_files.render(named(), range(4))
    assert label_files.read(listed(tmp_path, text), named()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("lines", "indices"),
    [
        (["b c.png"], [1]),
        (["ant/a.png", "#d.png"], [0, 3]),
        (["train/bee/a.png", "./ant/b c.png"], [1, 2]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lists_by_others(tmp_path, lines, indices, end):
    path = listed(tmp_path, end.join(lines) + end + end)
    assert label_files.read(path, named()) == indices


def test_the_published_lists_of_imagenet(tmp_path):
    folder = tuple(
        f"train/{wnid}/{wnid}_{number}.JPEG"
        for wnid in ("n01440764", "n02096294")
        for number in (10043, 8485)
    )
    lines = "n02096294_8485.JPEG\nn01440764_10043.JPEG\n"
    path = listed(tmp_path, lines)
    assert label_files.read(path, named(folder)) == [0, 3]
    flat = tuple(name.rpartition("/")[2] for name in folder)
    assert label_files.read(path, named(flat)) == [0, 3]


def test_a_whole_name_goes_before_an_ending(tmp_path):
    source = named(("x/a.png", "a.png"))
    assert label_files.read(listed(tmp_path, "a.png\n"), source) == [1]


def test_plain_numbers(tmp_path):
    source = catalog.open_source("digits", "train")
    assert label_files.read(listed(tmp_path, "7\n3\n"), source) == [3, 7]


def test_names_that_are_not_unique_give_way_to_numbers(tmp_path):
    source = named(("a.png", "a.png", "b.png"))
    text = label_files.render(source, [1])
    assert text.splitlines()[-1] == "1"
    assert label_files.read(listed(tmp_path, text), source) == [1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("z.png\ny.png\ntrain/ant/a.png\n", r"2 unknown, first 'z.png'$"),
        ("a.png\n", r"tell images apart; 'a.png' .* any of 2$"),
        ("b c.png\nant/b c.png\n", r"1 again, first 'ant/b c.png'$"),
        ("", "at least one image"),
        ("# dataset: set\n\n", "at least one image"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
    with pytest.raises(errors.UserError, match=message) as raised:
        label_files.read(listed(tmp_path, text), named())
    assert str(raised.value).startswith("label_file must")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "line", ["360", "-1", "1.5", "x", "²", pytest.param("7" * 6000, id="long")]
)
def test_lines_that_are_no_number_of_the_split(tmp_path, line):
    source = catalog.open_source("digits", "test")
    with pytest.raises(errors.UserError, match="1 unknown"):
        label_files.read(listed(tmp_path, f"1\n{line}\n"), source)


@pytest.mark.parametrize("split", ["test", "train[:50%]"])
def test_numbers_of_another_split(tmp_path, split):
    train = catalog.open_source("digits", "train")
    path = listed(tmp_path, label_files.render(train, [1, 2]))
    other = catalog.open_source("digits", split)
    with pytest.raises(errors.UserError, match="must be of split"):
        label_files.read(path, other)


def test_numbers_of_a_set_that_has_changed(tmp_path):
    train = catalog.open_source("digits", "train")
    path = listed(tmp_path, label_files.render(train, [1, 2]))
    shorter = dataclasses.replace(train, num_examples=5)
    with pytest.raises(errors.UserError, match="must be of num_examples 5"):
        label_files.read(path, shorter)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_files_that_cannot_be_read(tmp_path, content):
    path = str(tmp_path / "list")
    if content is not None:
        pathlib.Path(path).write_bytes(content)
    with pytest.raises(errors.UserError, match="label_file must be a text"):
        label_files.read(path, named())


def test_a_name_with_a_line_break():
    with pytest.raises(errors.UserError, match="no line break"):
        label_files.render(named(("a\nb.png",)), [0])
