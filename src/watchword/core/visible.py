"""Text of others, shown whole: what a terminal may obey, or an eye not see, is written out."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned; line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """*text* with every character that a terminal may obey, or an eye not see, written as its escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(ord(c)) if unicodedata.category(c) in _HIDDEN else c for c in text)


def _escape(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
