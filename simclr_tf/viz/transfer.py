"""Scores on other data sets, as a text table and as CSV."""

import csv
import io
import typing

from simclr_tf.viz import columns

NOT_MEASURED = "not measured"
COLUMNS = ("dataset", "metric", "score", "published", "setting", "reason")


class Row(typing.NamedTuple):
    """One data set.

    Attributes:
        dataset: its name in the protocol.
        metric: a key of `metrics.METRICS`.
        score: in [0, 1]; None where it was not measured.
        published: percent, of SimCLR's ResNet-50; None where there is none.
        setting: what was chosen on validation images, a dict.
        reason: why it was not measured; "" where it was.
    """

    dataset: str
    metric: str
    score: float | None
    published: float | None
    setting: dict
    reason: str = ""


def render(rows, *, classifier):
    """The table; scores in percent.

    Args:
        rows: list of `Row`s.
        classifier: what they are the scores of, for the title.

    Returns:
        Lines joined by newlines.
    """
    head = ("data set", "metric", "ours", "ResNet-50, published", "")
    width = max(
        columns.width(name) for name in (head[0], *(r.dataset for r in rows))
    )
    lines = [f"scores % of {classifier}:", _line(width, *head)]
    for row in rows:
        ours = NOT_MEASURED if row.score is None else f"{100 * row.score:.1f}"
        published = "-" if row.published is None else f"{row.published:.1f}"
        note = row.reason or _setting(row.setting)
        lines.append(
            _line(width, row.dataset, row.metric, ours, published, note)
        )
    return "\n".join(lines)


def to_csv(rows):
    """The same as CSV text, scores as fractions."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        score = NOT_MEASURED if row.score is None else row.score
        record = row._replace(score=score, setting=_setting(row.setting))
        writer.writerow(record)
    return buffer.getvalue()


def _line(width, name, metric, ours, published, note):
    name = columns.left(name, width)
    text = f"{name}  {metric:<16}{ours:>13}{published:>22}   {note}"
    return text.rstrip()


def _setting(setting):
    return ", ".join(f"{name} {value:.3g}" for name, value in setting.items())
