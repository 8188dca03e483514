"""What the person's own page adds to a case: that it was them, nobody said so in time, or it was not theirs."""

from __future__ import annotations

import msgspec

from watchword.core.change import Change
from watchword.core.ids import CaseId, PersonId


class CareConfirmed(msgspec.Struct, frozen=True, kw_only=True, tag="care.confirmed"):
    """After it was done the person said, in the browser that is bound to the case or proved there, that it was them."""

    case: CaseId


class CareMissed(msgspec.Struct, frozen=True, kw_only=True, tag="care.missed"):
    """Nobody said so in time: access is taken away by *changes*."""

    case: CaseId
    changes: tuple[Change, ...]


class DeskBrowserRefused(msgspec.Struct, frozen=True, kw_only=True, tag="desk_browser.refused"):
    """The page was not shown in a browser in which *person* was signed in, or had begun a method of this case."""

    case: CaseId
    person: PersonId


PageEvent = CareConfirmed | CareMissed | DeskBrowserRefused
