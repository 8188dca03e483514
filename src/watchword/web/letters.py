"""Text as somebody looks for it, who types it as their keyboard has it."""

from __future__ import annotations

import unicodedata


def folded(text: str) -> str:
    """*text* in small letters without marks, ß as ss: what the board does in SQL (`watch.board`), for the other lists.

    Over capital letters, since ı has i in common with its own alone. Folded then, since `lower` ends words in ς, and
    what is typed may end where the name goes on.
    """
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFD", text.upper())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
