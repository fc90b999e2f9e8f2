"""Text as people's editors, chats and systems write it.

They put byte order marks before it, end lines in three ways, and turn dashes,
quotes and spaces into handsomer ones.
"""

import codecs
import re
import unicodedata

_MARKS = (  # the longer first: that of UTF-32 begins like that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_INVISIBLE = "\r\n\t\u00a0\u2007\u200b\u202f\u2060\ufeff"
"""Seen at the ends of what is pasted, and meant by nobody."""
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_QUOTES = {
    "'": "\u2018\u2019\u201a\u201b\u2032\u2039\u203a",
    '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb",
}
_PLAIN = str.maketrans(
    dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_QUOTES["'"], "'")
    | dict.fromkeys(_QUOTES['"'], '"')
    | dict.fromkeys("\u200b\u2060\ufeff", "")
)
_FLAG = re.compile(rf"[-{_DASHES}]+(?=\w)")
_QUOTED = re.compile(r"(['\"])(.*)\1", re.DOTALL)


def decode(content):
    """The text of a file, by its byte order mark or else UTF-8.

    Args:
        content: bytes.

    Raises:
        UnicodeDecodeError: if it is no such text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8")


def lines(text):
    """Its lines, ended as on Unix, Windows, or an old Macintosh."""
    return re.split("\r\n|\n|\r", text)


def plain(text):
    """Dashes, quotes and spaces of a keyboard, and composed letters.

    Spaces and quotes around all of it are left out. For comparison: two names
    may look alike and differ in these.
    """
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    text = " ".join(text.split())
    quoted = _QUOTED.fullmatch(text)
    return quoted[2].strip() if quoted else text


def flag(argument, *, keep_quotes=True):
    """A flag with the dashes that it was typed with, its value unquoted.

    Args:
        argument: such as "--name=value". What begins with no dash is no flag
            and stays, as do minus signs.
        keep_quotes: leave quotes of a keyboard around a value, as a shell
            would have removed those that were not meant.
    """
    argument = argument.strip(_INVISIBLE)
    dashes = _FLAG.match(argument)
    if not dashes:
        return argument
    if not dashes[0].isascii():
        argument = "--" + argument[dashes.end() :]
    name, equals, value = argument.partition("=")
    first, last = value[:1], value[-1:]
    is_typed = first == last and first in ("'", '"')
    if _are_quotes(first, last) and len(value) > 1:
        value = value if is_typed and keep_quotes else value[1:-1]
    return f"{name}{equals}{value}"


def _are_quotes(first, last):
    plain_first, plain_last = first.translate(_PLAIN), last.translate(_PLAIN)
    return plain_first == plain_last and plain_first in ("'", '"')
