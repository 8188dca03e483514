"""A long list, page by page: which rows are shown, and the ways back and on."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

SHOWN = 200
"""Rows of a page."""


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """The rows *first* to *last* (from 1) of *found*; *back* and *on* are addresses, empty where there is no way."""

    first: int
    last: int
    found: int
    back: str = ""
    on: str = ""


def address(at: str, **asked: str | int) -> str:
    """The list *at* an address, of what is *asked* where it is not empty."""
    said: Mapping[str, str | int] = {name: one for name, one in asked.items() if one}
    return f"{at}?{urlencode(said)}" if said else at


def paged(found: int, page: int, at: str, **asked: str) -> tuple[int, Pages | None]:
    """Where the rows of *page* (1 for the first, and for any there is not) begin, and its ways; None for one page."""
    last = max(-(-found // SHOWN), 1)
    number = page if 1 <= page <= last else 1
    first = (number - 1) * SHOWN
    if last == 1:
        return 0, None
    return first, Pages(
        first=first + 1,
        last=min(first + SHOWN, found),
        found=found,
        back=address(at, **asked, page=number - 1 if number > 2 else 0) if number > 1 else "",
        on=address(at, **asked, page=number + 1) if number < last else "",
    )
