"""Log text made safe to print, and to open in a spreadsheet."""

from __future__ import annotations

import unicodedata

from watchword.core.errors import WatchwordError

# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned; line and paragraph ends.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_RUNS = tuple("=+-@|%＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula, wide forms too."""


def printable(text: str) -> str:
    """*text* with every character that a terminal may obey, or an eye not see, written as its escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(ord(c)) if unicodedata.category(c) in _HIDDEN else c for c in text)


def inert(text: str) -> str:
    """*text* for a cell of a CSV file: what a spreadsheet would run begins with an apostrophe."""
    return f"'{text}" if text.lstrip().startswith(_RUNS) else text


def meant(cell: str) -> str:
    """What `inert` made *cell* of."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip().startswith(_RUNS) else cell


def _escape(point: int) -> str:
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def said_of(fault: Exception) -> str:
    """A *fault* in words: ours say what to do, others are named."""
    return str(fault) if isinstance(fault, WatchwordError) else f"{type(fault).__name__}: {fault}"
