"""Files of flags, one a line, as `--flagfile` names them."""

from simclr_tf import errors, typed_text
from simclr_tf.config import paths

_COMMENTS = ("#", "//")
_NESTED = "--flagfile"


def arguments(path, *, within=()):
    """The flags of a file, those of files it names in their place.

    Args:
        path: of the file; `~` and variables are expanded.
        within: the files that name it, which are not read again.

    Returns:
        A list of command-line arguments.

    Raises:
        errors.UserError: if a file cannot be read, is no text, or has a line
            that is no flag.
    """
    path = paths.expand(path)
    if path in within:
        raise errors.UserError(
            f"flagfile must not lead back to itself; {within[-1]!r} names "
            f"{path!r}"
        )
    found = []
    for number, line in enumerate(typed_text.lines(_text(path)), start=1):
        argument = _argument(line, number, path)
        name, _, nested = (argument or "").partition("=")
        if name.removeprefix("-") == _NESTED.removeprefix("-"):
            found += arguments(nested, within=(*within, path))
        elif argument:
            found.append(argument)
    return found


def _argument(line, number, path):
    """The flag in a line; None for an empty line or a comment."""
    line = line.strip().removesuffix(" \\")  # of a command in several lines
    if not typed_text.plain(line) or line.startswith(_COMMENTS):
        return None
    argument = typed_text.flag(line, keep_quotes=False)
    if not argument.startswith("-"):
        raise errors.UserError(
            f"flagfile must hold flags, one a line, each --name=value; line "
            f"{number} of {path!r} is {line!r}"
        )
    return argument


def _text(path):
    try:
        with open(path, "rb") as file:
            return typed_text.decode(file.read())
    except (OSError, ValueError) as error:
        raise errors.UserError(
            f"flagfile must be a readable file of text; {path!r}: {error}"
        ) from error
