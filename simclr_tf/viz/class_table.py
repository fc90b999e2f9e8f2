"""Scores of every class, as a text table and as CSV."""

import csv
import io
import math

from simclr_tf.viz import columns

NAME_WIDTH = 24
COLUMNS = (
    "class", "name", "images", "right", "accuracy", "taken_for", "times",
)  # fmt: skip


def render(scores, *, classifier):
    """A table to read, in percent.

    Args:
        scores: list of `per_class.ClassScore`s.
        classifier: what they are the scores of, such as "online probe".

    Returns:
        list of lines, a title and a heading first.
    """
    head = columns.left("class", NAME_WIDTH)
    lines = [
        f"classes by the {classifier}:",
        f"{head}  images  accuracy %  most often taken for",
    ]
    for score in scores:
        name = columns.left(score.name, NAME_WIDTH)
        is_known = not math.isnan(score.accuracy)
        shown = f"{100 * score.accuracy:.1f}" if is_known else "-"
        taken = ""
        if score.taken_for is not None:
            taken = f"{score.taken_for} ({score.num_taken})"
        row = f"{name}  {score.num_images:>6}  {shown:>10}  "
        lines.append((row + taken).rstrip())
    return lines


def render_csv(scores):
    """The same for programs: a row of `COLUMNS`, then a row per class.

    What there is none of, such as the accuracy of a class without images, is
    left empty.

    Args:
        scores: list of `per_class.ClassScore`s.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, score in enumerate(scores):
        accuracy = "" if math.isnan(score.accuracy) else score.accuracy
        row = (number, score.name, score.num_images, score.num_right, accuracy)
        writer.writerow((*row, score.taken_for or "", score.num_taken))
    return text.getvalue()
