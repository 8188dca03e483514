"""Text of others, shown whole: what a terminal may obey, or an eye not see, is written out."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned; line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_BLANK = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")
"""Letters, marks and a sign that are drawn as nothing: fillers of Hangul, the empty cell of Braille, the joiner."""

_JOINERS = frozenset("\u200c\u200d")
_VIRAMA = 9


def visible(text: str) -> str:
    """*text* with every character that a terminal may obey, or an eye not see, written as its escape.

    A joiner stays where names are spelt with it and an eye sees it: beside a virama, and between Arabic letters.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, before = [], ""
    for place, c in enumerate(text):
        category = unicodedata.category(c)
        hidden = category in _HIDDEN or c in _BLANK
        if hidden and c in _JOINERS:
            hidden = not _spelt(before, text[place + 1 : place + 2])
        shown.append(_escape(ord(c)) if hidden else c)
        if category != "Mn" or unicodedata.combining(c) == _VIRAMA:  # other marks stand on the letter before them
            before = c
    return "".join(shown)


def _spelt(before: str, after: str) -> bool:
    """Whether a joiner between the two is part of how a word is spelt (RFC 5892 A.1 and A.2, as far as it is plain)."""
    if not before or not after:
        return False
    if _VIRAMA in {unicodedata.combining(before), unicodedata.combining(after)}:
        return True
    return {unicodedata.bidirectional(before), unicodedata.bidirectional(after)} == {"AL"}


def _escape(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
