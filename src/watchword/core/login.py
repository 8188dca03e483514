"""Logins that can not be taken for one another."""

from __future__ import annotations

import unicodedata

_EMPTY = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that show nothing, though Unicode calls them printable."""

_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "BOPOMOFO": "CJK", "HANGUL": "CJK"}
"""Alphabets that are written in one word with others."""


def is_plain(login: str) -> bool:
    """Whether *login* is in compatibility form (NFKC), shows all it has, and has letters of one alphabet alone.

    The alphabet is the first word of a character's Unicode name; those written together in East Asia count as one.
    """
    if login.isascii():
        return True
    if unicodedata.normalize("NFKC", login) != login or not _EMPTY.isdisjoint(login):
        return False
    first = (unicodedata.name(letter, "").partition(" ")[0] for letter in login if letter.isalpha())
    return len({_TOGETHER.get(name, name) for name in first}) <= 1
