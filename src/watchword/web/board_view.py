"""What the reconciliation board shows."""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.web.paging import Pages
from watchword.web.parts import Chrome, Notice


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """How many events have one verdict."""

    verdict: str
    title: str
    count: int
    link: str
    current: bool = False


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One identity event with its verdict and reasons in words; *revised*: a later word replaced an earlier.

    *known*: the target is said by the name of whoever has the account.
    """

    at: datetime
    what: str
    native: str
    provider: str
    target: str
    actor: str
    verdict: str
    verdict_title: str
    reasons: tuple[str, ...]
    case: str | None = None
    case_link: str | None = None
    open_link: str | None = None
    leaves: tuple[int, ...] = ()
    revised: bool = False
    known: bool = False


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a column, in the picture's own units."""

    verdict: str
    x: float
    y: float
    wide: float
    high: float


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The events of one day, in words and as a column of *bars*."""

    title: str
    bars: tuple[Bar, ...]


class BoardPage(msgspec.Struct, frozen=True, kw_only=True):
    """The reconciliation board: identity events by verdict, unmatched first, already in that order.

    *query* is what is looked for, *verdict* the one that was chosen, *found* how many events are both; *days* are the
    last ones, as a picture.
    """

    chrome: Chrome
    title: str
    slices: tuple[Slice, ...]
    rows: tuple[EventRow, ...]
    notices: tuple[Notice, ...] = ()
    read_to: datetime | None = None
    pages: Pages | None = None
    query: str = ""
    verdict: str = ""
    found: int = 0
    days: tuple[Day, ...] = ()
