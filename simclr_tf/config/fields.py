"""What a knob is: a dataclass field with help, source and two marks."""

import dataclasses
import math
import numbers
import os

from simclr_tf import errors


def knob(
    default,
    help,
    *,
    changes,
    used_in,
    source="",
    choices=None,
    absent="",
    identity=False,
    architecture=False,
    expand=None,
):
    """Returns a dataclass field that becomes one flag of the same name.

    Args:
        default: the value when nobody sets it; lists are tuples.
        help: one or two sentences for `--help`, units included.
        changes: what another value changes, in a few words.
        used_in: the activities of `uses` in which it does; () for none.
        source: paper section or official file the default comes from.
        choices: the values allowed, for a string.
        absent: why a value that one would expect is not among them.
        identity: whether a resumed run must have the same value.
        architecture: whether a checkpoint determines the value.
        expand: of a path, what makes it one that can be opened, see `paths`.
    """
    metadata = {
        "help": help,
        "changes": changes,
        "used_in": frozenset(used_in),
        "source": source,
        "choices": tuple(choices) if choices else None,
        "absent": absent,
        "identity": identity,
        "architecture": architecture,
        "expand": expand,
    }
    return dataclasses.field(default=default, metadata=metadata)


def kind(field):
    """The kind of a field: a word for messages, help and the flag parser.

    One of "bool", "int", "float", "string", "enum", "strings", "floats".
    """
    if field.metadata["choices"]:
        return "enum"
    return _KINDS[field.type]


def coerce(field, value):
    """Returns `value` as the type of `field`.

    Whole numbers become floats where floats are due, lists become tuples,
    paths become strings; nothing else is converted.

    Raises:
        errors.UserError: if the value has another type, is not finite, or is
            not among the choices.
    """
    try:
        result = _CONVERSIONS[kind(field)](value)
    except (TypeError, ValueError):
        raise _wrong(field, _DESCRIPTIONS[kind(field)], value) from None
    if not _is_unicode(result):
        raise _wrong(field, "text in UTF-8", value)
    if value is None and field.default is not None:
        raise _wrong(field, _DESCRIPTIONS[kind(field)], value)
    if result and field.metadata["expand"]:
        result = field.metadata["expand"](result)
    choices = field.metadata["choices"]
    if choices and result not in choices:
        reason = field.metadata["absent"]
        rule = ", ".join(choices) + (f" ({reason})" if reason else "")
        raise _wrong(field, "one of " + rule, value)
    return result


def _is_unicode(value):
    """Whether every string of a value came from valid UTF-8."""
    texts = value if isinstance(value, tuple) else (value,)
    try:
        "".join(text for text in texts if isinstance(text, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong(field, rule, value):
    return errors.UserError(f"{field.name} must be {rule}; got {value!r}")


def _to_bool(value):
    if not isinstance(value, bool):
        raise TypeError
    return value


def _to_int(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError
    return int(value)


def _to_float(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    if not math.isfinite(value):
        raise ValueError
    return float(value)


def _to_string(value):
    return None if value is None else os.fsdecode(os.fspath(value))


def _to_strings(value):
    return tuple(_to_string(item) for item in _sequence(value))


def _to_floats(value):
    return tuple(_to_float(item) for item in _sequence(value))


def _sequence(value):
    if not isinstance(value, (list, tuple)) or None in value:
        raise TypeError
    return value


_KINDS = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "string",
    str | None: "string",
    tuple[str, ...]: "strings",
    tuple[float, ...]: "floats",
}
_CONVERSIONS = {
    "bool": _to_bool,
    "int": _to_int,
    "float": _to_float,
    "string": _to_string,
    "enum": _to_string,
    "strings": _to_strings,
    "floats": _to_floats,
}
_DESCRIPTIONS = {
    "bool": "True or False",
    "int": "a whole number",
    "float": "a finite number",
    "string": "a string",
    "enum": "a string",
    "strings": "a list of strings",
    "floats": "a list of finite numbers",
}
