"""Log text made safe to print, and to open in a spreadsheet."""

from __future__ import annotations

from watchword.core.errors import WatchwordError
from watchword.core.visible import visible as printable

__all__ = ["inert", "meant", "printable", "said_of"]

_RUNS = tuple("=+-@|%＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula, wide forms too."""


def inert(text: str) -> str:
    """*text* for a cell of a CSV file: what a spreadsheet would run begins with an apostrophe."""
    return f"'{text}" if text.lstrip().startswith(_RUNS) else text


def meant(cell: str) -> str:
    """What `inert` made *cell* of."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip().startswith(_RUNS) else cell


def said_of(fault: Exception) -> str:
    """A *fault* in words: ours say what to do, others are named."""
    return str(fault) if isinstance(fault, WatchwordError) else f"{type(fault).__name__}: {fault}"
