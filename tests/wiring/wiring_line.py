"""What a line of a wiring table is, and how it is read off the schema."""

import collections
import dataclasses
import typing

import numpy as np

from simclr_tf.config import Config

MIXED = {
    "initial", "first", "weights", "statistics", "views", "crops", "result",
}  # fmt: skip
"""Kinds of outcomes that many fields change."""


class Line(typing.NamedTuple):
    """Another value of a field changes the named outcomes.

    Attributes:
        value: another value than that of the baseline.
        changes: names of outcomes that have to differ, one for each place
            that the value is passed on to.
        given: other fields that both configurations have.
    """

    value: object
    changes: tuple
    given: dict


def line(value, *changes, **given):
    """A `Line`."""
    return Line(value, changes, given)


def used_in(activity):
    """Names of the fields that have an effect on an activity."""
    return [
        field.name
        for field in dataclasses.fields(Config)
        if activity in field.metadata["used_in"]
    ]


def unused_in(*activities):
    """Names of the fields that have no effect on any of some activities."""
    used = {name for activity in activities for name in used_in(activity)}
    return [f.name for f in dataclasses.fields(Config) if f.name not in used]


def changed_together(table, name):
    """The values of a field's run, as dict of field -> value.

    An outcome that belongs to one field of the table alone, such as an
    argument that is passed on, shows that field whatever the others are: such
    fields are changed in one run. Results, weights and views depend on many
    fields, and have runs of their own.

    Args:
        table: dict of field -> `Line`.
        name: one of its fields.
    """
    row = table[name]
    counts = collections.Counter(c for r in table.values() for c in r.changes)

    def kinds(other):
        return {change.partition(".")[0] for change in other.changes}

    def is_apart(other):
        is_alone = all(counts[change] == 1 for change in other.changes)
        is_alike = ("network" in kinds(other)) == ("network" in kinds(row))
        return is_alone and is_alike and not kinds(other) & MIXED

    if not is_apart(row):
        return {name: row.value}
    return {
        field: other.value
        for field, other in table.items()
        if other.given == row.given and is_apart(other)
    }


def check_changes(before, after, row):
    """Every named outcome is there, and is another one.

    Args:
        before: function of an outcome's name, of the baseline.
        after: the same with another value.
        row: the `Line`.
    """
    for name in row.changes:
        assert differ(before(name), after(name)), (
            f"{name} is the same with the value {row.value!r}: {before(name)}"
        )


def differ(one, other):
    """Whether two outcomes differ: values, arrays, or dicts of them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() != other.keys() or any(
            differ(value, other[name]) for name, value in one.items()
        )
    one, other = np.asarray(one), np.asarray(other)
    return one.shape != other.shape or not np.array_equal(one, other)
