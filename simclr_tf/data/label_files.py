"""Lists of the images that keep their labels, as text.

A list has one image per line: its path from the folder on, its file name or
identifier where the set keeps one, or else its number within the split, from
0. Lines before the first image that start with "#" tell where a list of ours
is from.
A list by another hand may be without them, and may leave out leading folders:
"n01440764_10043.JPEG" is train/n01440764/n01440764_10043.JPEG.
"""

import tensorflow as tf

from simclr_tf import errors, typed_text

_TITLE = "# Images that keep their labels, one per line."
_NUMBERS = "number within the split"
_NAMES = "name"


def render(source, indices, **facts):
    """Writes a list.

    Args:
        source: the whole `Source` that the images are of.
        indices: int, rising.
        **facts: what else the list shall tell, such as the seed; None is
            left out.

    Returns:
        The text of the file.

    Raises:
        errors.UserError: if a name has a line break.
    """
    names = _unique_names(source)
    header = {
        "dataset": source.name,
        "split": source.split,
        "num_examples": source.num_examples,
        **{name: fact for name, fact in facts.items() if fact is not None},
        "count": len(indices),
        "lines": _NUMBERS if names is None else _NAMES,
    }
    lines = [_TITLE, *(f"# {name}: {fact}" for name, fact in header.items())]
    if names is None:
        lines += [str(index) for index in indices]
    else:
        lines += [_line(names[index]) for index in indices]
    return "\n".join(lines) + "\n"


def read(path, source):
    """Finds the images of a list.

    Args:
        path: of the file, local or remote.
        source: the whole `Source` that the images are of.

    Returns:
        int indices, a rising list.

    Raises:
        errors.UserError: if there is no file or no line, or a line is
            unknown, twice, or stands for several images; if lines are numbers
            and the list is of another split.
    """
    header, lines = _parse(path)
    names = _unique_names(source)
    if names is None or header.get("lines") == _NUMBERS:
        _check_origin(header, source, path)
        found = _numbered(lines, source.num_examples)
    else:
        found = _named(lines, names)
    _check_known(lines, found, source, path)
    _check_once(lines, found, path)
    return sorted(places[0] for places in found)


def _unique_names(source):
    """The names of a source, None where they do not tell images apart."""
    names = source.example_names()
    if names is None or len(set(names)) < len(names):
        return None
    return names


def _line(name):
    if "\n" in name or "\r" in name:
        raise errors.UserError(
            f"file names must have no line break to be listed; got {name!r}"
        )
    return f"./{name}" if name.startswith("#") else name


def _parse(path):
    """Header, a dict, and lines of a file."""
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = typed_text.decode(file.read())
    except (tf.errors.OpError, UnicodeError) as error:
        raise errors.UserError(
            f"label_file must be a text file that can be read; got {path!r}"
        ) from error
    lines = [line for line in typed_text.lines(text) if typed_text.plain(line)]
    num_header = 0
    while num_header < len(lines) and lines[num_header].startswith("#"):
        num_header += 1
    facts = (line[1:].partition(":") for line in lines[:num_header])
    header = {name.strip(): fact.strip() for name, _, fact in facts}
    if num_header == len(lines):
        raise errors.UserError(
            f"label_file must name at least one image; {path!r} names none"
        )
    return header, lines[num_header:]


def _check_origin(header, source, path):
    """Numbers mean nothing in another split than their own."""
    for name, own in (
        ("dataset", source.name),
        ("split", source.split),
        ("num_examples", str(source.num_examples)),
    ):
        if header.get(name, own) != own:
            raise errors.UserError(
                f"label_file must be of {name} {own}, its lines being "
                f"numbers; {path!r} is of {header[name]}"
            )


def _numbered(lines, num_examples):
    """For each line the list of images that it may stand for."""
    found = []
    for line in lines:
        text = typed_text.plain(line)
        is_number = text.isascii() and text.isdigit()
        is_short = len(text.lstrip("0")) <= len(str(num_examples))
        index = int(text) if is_number and is_short else num_examples
        found.append([index] if index < num_examples else [])
    return found


def _named(lines, names):
    """For each line the list of images that it may stand for.

    Names that no image has are compared once more as they look, since editors
    change dashes, quotes and spaces.
    """
    found = _matched([line.removeprefix("./") for line in lines], names)
    if all(found):
        return found
    alike = _matched(
        [typed_text.plain(line).removeprefix("./") for line in lines],
        [typed_text.plain(name) for name in names],
    )
    return [exact or like for exact, like in zip(found, alike, strict=True)]


def _matched(wanted, names):
    """For each name wanted the images that have it, or end in it."""
    whole = {}
    for index, name in enumerate(names):
        whole.setdefault(name, []).append(index)
    ends = {name: [] for name in wanted if name not in whole}
    for index, name in enumerate(names):
        for end in _ends(name):
            if end in ends:
                ends[end].append(index)
    return [whole.get(name) or ends[name] for name in wanted]


def _ends(name):
    """A path without its first folder, its first two, and so on."""
    while "/" in name:
        name = name.partition("/")[2]
        yield name


def _check_known(lines, found, source, path):
    unknown = [
        line for line, places in zip(lines, found, strict=True) if not places
    ]
    if unknown:
        raise errors.UserError(
            f"label_file must name images of {source.name!r} split "
            f"{source.split!r}; {path!r} names {len(unknown)} unknown, first "
            f"{unknown[0]!r}"
        )
    for line, places in zip(lines, found, strict=True):
        if len(places) > 1:
            raise errors.UserError(
                f"label_file must tell images apart; {line!r} of {path!r} "
                f"may be any of {len(places)}"
            )


def _check_once(lines, found, path):
    seen, twice = set(), []
    for line, (place,) in zip(lines, found, strict=True):
        if place in seen:
            twice.append(line)
        seen.add(place)
    if twice:
        raise errors.UserError(
            f"label_file must name each image once; {path!r} names "
            f"{len(twice)} again, first {twice[0]!r}"
        )
