"""Text as somebody looks for it, who types it as their keyboard has it."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""What names are spelt with, and many keyboards have no key for."""


def folded(text: str) -> str:
    """*text* in small letters without marks and joiners, ß as ss: for lists, as the board does in SQL (`watch.board`).

    Over capital letters, since ı has i in common with its own alone. Folded then, since `lower` ends words in ς, and
    what is typed may end where the name goes on.
    """
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFD", text.upper())
    return "".join(c for c in letters if c not in JOINERS and not unicodedata.combining(c)).casefold()
