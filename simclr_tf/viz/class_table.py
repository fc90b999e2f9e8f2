"""Scores of every class, as a text table and as CSV."""

import csv
import io
import math

NAME_WIDTH = 24
COLUMNS = (
    "class", "name", "images", "right", "accuracy", "taken_for", "times",
)  # fmt: skip


def render(scores):
    """A table to read.

    Args:
        scores: list of `per_class.ClassScore`s.

    Returns:
        list of lines, a heading first.
    """
    lines = [f"{'class':<{NAME_WIDTH}}  images  accuracy  most often taken for"]
    for score in scores:
        name = score.name[:NAME_WIDTH]
        shown = "-" if math.isnan(score.accuracy) else f"{score.accuracy:.4f}"
        taken = ""
        if score.taken_for is not None:
            taken = f"{score.taken_for} ({score.num_taken})"
        row = f"{name:<{NAME_WIDTH}}  {score.num_images:>6}  {shown:>8}  "
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
