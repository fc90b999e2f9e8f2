"""Columns of text as a terminal shows them: some characters take two places."""

import unicodedata

_WIDE = frozenset("WF")
"""East Asian widths of characters of two places.

Source: Unicode Standard Annex 11.
"""


def width(text):
    """Places that a text takes."""
    return sum(map(_width_of, text))


def left(text, places):
    """The text, cut or filled with spaces to exactly as many places."""
    kept, room = [], places
    for character in text:
        room -= _width_of(character)
        if room < 0:
            room += _width_of(character)
            break
        kept.append(character)
    return "".join(kept) + " " * room


def _width_of(character):
    if unicodedata.combining(character):
        return 0
    if unicodedata.category(character) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
