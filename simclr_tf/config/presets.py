"""Named presets: the flag files that travel inside the package."""

import difflib
from importlib import resources

from simclr_tf import errors

_SUFFIX = ".flags"


def names():
    """The names of all presets, sorted."""
    files = [entry.name for entry in _directory().iterdir()]
    return tuple(sorted(f[: -len(_SUFFIX)] for f in files if _is_preset(f)))


def arguments(name):
    """The command-line arguments a preset stands for, one per line.

    Raises:
        errors.UserError: if there is no preset of this name.
    """
    stripped = [line.strip() for line in _text(name).splitlines()]
    return [line for line in stripped if line.startswith("-")]


def summary(name):
    """The first line of a preset's header, for `--help`."""
    return _text(name).splitlines()[0].lstrip("# ")


def _text(name):
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise errors.UserError(
            f"preset must be one of {', '.join(known)}; got {name!r}{hint}"
        )
    return _directory().joinpath(name + _SUFFIX).read_text(encoding="utf-8")


def _is_preset(file_name):
    return file_name.endswith(_SUFFIX) and not file_name.startswith(".")


def _directory():
    return resources.files("simclr_tf").joinpath("presets")
