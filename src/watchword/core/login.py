"""Logins that can not be taken for one another."""

from __future__ import annotations

import unicodedata

from watchword.core.visible import legible, varies

_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "KATAKANA-HIRAGANA": "CJK", "BOPOMOFO": "CJK", "HANGUL": "CJK"}
"""Alphabets that are written in one word with others."""


def is_plain(login: str) -> bool:
    """Whether *login* is in compatibility form (NFKC), shows all it has, and has letters of one alphabet alone.

    No character of it is said to be drawn in one way of several: most fonts have one way for all of them.

    The alphabet is the first word of a character's Unicode name; those written together in East Asia count as one.
    """
    if login.isascii():
        return True
    if (
        unicodedata.normalize("NFKC", login) != login
        or not login.isprintable()
        or not legible(login)
        or any(map(varies, login))
    ):
        return False
    first = (unicodedata.name(letter, "").partition(" ")[0] for letter in login if letter.isalpha())
    return len({_TOGETHER.get(name, name) for name in first}) <= 1
