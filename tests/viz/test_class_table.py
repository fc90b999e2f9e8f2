"""The table of every class, to read and as CSV."""

import csv
import io

from simclr_tf.evaluation import per_class
from simclr_tf.viz import class_table, columns

SCORES = [
    per_class.ClassScore("cat, domestic", 3, 1, "dog", 2),
    per_class.ClassScore("dog", 4, 4, None, 0),
    per_class.ClassScore("a name too long for its column", 0, 0, None, 0),
]


def test_the_table_is_aligned():
    title, heading, cat, dog, none = class_table.render(
        SCORES, classifier="online probe"
    )
    assert title == "classes by the online probe:"
    end = heading.index("accuracy %") + len("accuracy %")
    assert [line[:end][-6:] for line in (cat, dog)] == ["  33.3", " 100.0"]
    assert cat[end:].strip() == "dog (2)"
    assert dog == dog.rstrip()
    assert len(none) == end
    assert none.endswith("-")


def test_wide_characters_take_two_places():
    names = ("猫", "とても長い名前の付いているクラス", "e\u0301te\u0301", "cat")
    lines = class_table.render(
        [per_class.ClassScore(name, 3, 1, None, 0) for name in names],
        classifier="online probe",
    )
    assert len({columns.width(line) for line in lines[2:]}) == 1
    assert lines[2].startswith("猫" + " " * 22 + "  ")


def test_csv_can_be_read_back():
    text = class_table.render_csv(SCORES)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == [score.name for score in SCORES]
    assert float(rows[0]["accuracy"]) == 1 / 3
    assert (rows[0]["taken_for"], rows[0]["times"]) == ("dog", "2")
    assert rows[2]["accuracy"] == rows[2]["taken_for"] == ""
    assert [row["class"] for row in rows] == ["0", "1", "2"]
