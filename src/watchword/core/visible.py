"""Text of others, shown whole: what a terminal may obey, or an eye not see, is written out, and can not be typed."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned; line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters, marks and a sign that are drawn as nothing: fillers of Hangul, the empty cell of Braille, the joiner."""

_PART = "\u200c"
_JOIN = "\u200d"
_VIRAMA = 9

_CHILLU = frozenset("\u0d15\u0d23\u0d28\u0d30\u0d32\u0d33")
_CHILLU_END = "\u0d4d\u200d"
"""Consonants of Malayalam without a vowel, which end a word, as they were spelt before Unicode 5.1."""

# ArabicShaping.txt: joined to the letter before them alone, or (hamza, high hamza) to none.
_UNJOINED = frozenset(
    "\u0621\u0622\u0623\u0624\u0625\u0627\u0629\u062f\u0630\u0631\u0632\u0648\u0671\u0672\u0673\u0674\u0675\u0676\u0677"
    "\u0688\u0689\u068a\u068b\u068c\u068d\u068e\u068f\u0690\u0691\u0692\u0693\u0694\u0695\u0696\u0697\u0698\u0699"
    "\u06c0\u06c3\u06c4\u06c5\u06c6\u06c7\u06c8\u06c9\u06ca\u06cb\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef"
    "\u0759\u075a\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779"
    "\u08aa\u08ab\u08ac\u08ad\u08ae\u08b1\u08b2\u08b9"
    "\u0870\u0871\u0872\u0873\u0874\u0875\u0876\u0877\u0878\u0879\u087a\u087b\u087c\u087d\u087e\u087f"
    "\u0880\u0881\u0882\u0887\u088e"
)
"""Letters of Arabic script behind which nothing is parted: a joiner there changes nothing that is drawn."""

_ALONE = frozenset("\u0621\u0674\u0887\u08ad")
"""Those that are joined to none, so that nothing is parted before them either."""

_DRAWN = "\ufb50"
"""From here on Arabic letters are signs of one form each, joined to nothing."""


def visible(text: str) -> str:
    """*text* with every character that a terminal may obey, or an eye not see, written as its escape.

    A joiner stays where names are spelt with it: beside a virama, and between Arabic letters.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(ord(c)) if _hides(text, place) else c for place, c in enumerate(text))


def legible(text: str) -> bool:
    """Whether *text* is words on one line, every character of which is seen: what a person may type.

    Stricter than `visible` by one: a joiner that parts what is not joined anyhow would make two names of one sight.
    Spaces are those of ASCII.
    """
    for place, c in enumerate(text):
        if c not in {_PART, _JOIN} and not c.isprintable():
            return False
        if _hides(text, place) or (c == _PART and _parts_nothing(text, place)):
            return False
    return True


def _hides(text: str, place: int) -> bool:
    """Whether nothing is drawn for the character at *place*, or a terminal may obey it."""
    c = text[place]
    if c in {_PART, _JOIN}:
        return not _spelt(text, place)
    if varies(c):
        return not _varied(text[place - 1 : place])
    return unicodedata.category(c) in _HIDDEN or c in _BLANK


def _spelt(text: str, place: int) -> bool:
    """Whether the joiner at *place* is part of how a word is spelt (RFC 5892 A.1 and A.2, as far as it is plain)."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if before and unicodedata.combining(before) == _VIRAMA:
        chillu = text[place - 2 : place - 1] in _CHILLU and text[place - 1 : place + 1] == _CHILLU_END
        return chillu or _is_of(before, after)
    if after and unicodedata.combining(after) == _VIRAMA:
        # Bengali and Kannada keep a ra whole so, and Sinhala has letters touch.
        return _is_of(after, before) and _is_of(after, text[place + 2 : place + 3])
    return text[place] == _PART and _is_arabic(_before(text, place)) and _is_arabic(after)


def _parts_nothing(text: str, place: int) -> bool:
    """Whether the letters of Arabic beside *place* would not be joined without a joiner there."""
    return _before(text, place) in _UNJOINED or text[place + 1 : place + 2] in _ALONE


def _before(text: str, place: int) -> str:
    """The letter before *place*, on which marks may stand."""
    while place > 0 and unicodedata.category(text[place - 1]) == "Mn":
        place -= 1
    return text[place - 1 : place]


def _is_of(virama: str, letter: str) -> bool:
    """Whether *letter* is one of the script that *virama* belongs to."""
    return letter.isalpha() and _script(letter) == _script(virama)


def _is_arabic(letter: str) -> bool:
    return letter.isalpha() and letter < _DRAWN and _script(letter) == "ARABIC"


def _script(c: str) -> str:
    """The first word of the Unicode name of *c*."""
    return unicodedata.name(c, "").partition(" ")[0]


def varies(c: str) -> bool:
    """Whether *c* is a variation selector, which says how the character before it is drawn."""
    return unicodedata.category(c) == "Mn" and "VARIATION SELECTOR" in unicodedata.name(c, "")


def _varied(c: str) -> bool:
    """Whether there are several ways to draw *c*: an ideograph of a name, a sign, a letter of Mongolian."""
    return bool(c) and (_script(c) in {"CJK", "MONGOLIAN"} or unicodedata.category(c) in {"So", "Sm"})


def _escape(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
