"""The table of every class, to read and as CSV."""

import csv
import io

from simclr_tf.evaluation import per_class
from simclr_tf.viz import class_table

SCORES = [
    per_class.ClassScore("cat, domestic", 3, 1, "dog", 2),
    per_class.ClassScore("dog", 4, 4, None, 0),
    per_class.ClassScore("a name too long for its column", 0, 0, None, 0),
]


def test_the_table_is_aligned():
    heading, cat, dog, none = class_table.render(SCORES)
    end = heading.index("accuracy") + len("accuracy")
    assert [line[:end][-6:] for line in (cat, dog)] == ["0.3333", "1.0000"]
    assert cat[end:].strip() == "dog (2)"
    assert dog == dog.rstrip()
    assert len(none) == end
    assert none.endswith("-")


def test_csv_can_be_read_back():
    text = class_table.render_csv(SCORES)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == [score.name for score in SCORES]
    assert float(rows[0]["accuracy"]) == 1 / 3
    assert (rows[0]["taken_for"], rows[0]["times"]) == ("dog", "2")
    assert rows[2]["accuracy"] == rows[2]["taken_for"] == ""
    assert [row["class"] for row in rows] == ["0", "1", "2"]
