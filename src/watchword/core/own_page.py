"""Pages of somebody's own: what one makes there is made once, and nobody at the desk sees it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import PersonId

PAGE_LIFE = timedelta(hours=24)
"""How long the address of a page of somebody's own can be used, unless `PAGE_LIVES` has another time."""

APPROVER_KEY = "approver-key"
"""The purpose of a page on which an approver makes the key they sign with."""

PAGE_LIVES = {APPROVER_KEY: timedelta(hours=1)}
"""How long that is, by what a page is for."""

PAGE_TRIES = 3
"""With so many wrong codes a page is closed: of six digits three are guessed three times in a million."""


class OwnPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of somebody's own, for one *purpose* and one use: what is made there gets its *id*.

    *by* is who made its address, and *browser* the mark of the browser they did it in. *missed* counts the wrong codes
    that were given there, *turned_away* are people of the desk in whose browsers it was asked for.
    """

    id: str
    purpose: str
    by: PersonId
    expires: datetime
    missed: int = 0
    browser: str | None = None
    turned_away: tuple[PersonId, ...] = ()

    @property
    def made_at(self) -> datetime:
        """When its address was made."""
        return self.expires - PAGE_LIVES.get(self.purpose, PAGE_LIFE)

    @property
    def is_closed(self) -> bool:
        """Whether so many wrong codes were given that the right one opens nothing any more."""
        return self.missed >= PAGE_TRIES

    def desk_of(self, owner: PersonId, signed_in: PersonId | None, browser: str | None) -> PersonId | None:
        """Who of the desk sits in the browser of this mark, so that it can not be *owner* who makes something there.

        Whoever is *signed_in* and is not them; and whoever made the address there, for somebody else than themself.
        """
        if signed_in not in (None, owner):
            return signed_in
        return self.by if browser is not None and browser == self.browser and self.by != owner else None

    def turns_away(self, who: PersonId) -> OwnPage:
        """As it is after it was asked for in a browser of *who*."""
        return msgspec.structs.replace(self, turned_away=tuple(dict.fromkeys((*self.turned_away, who))))


class PageMade(msgspec.Struct, frozen=True, kw_only=True, tag="page.made"):
    """The address of a page of their own can be used from now on."""

    person: PersonId
    page: OwnPage


class PageMissed(msgspec.Struct, frozen=True, kw_only=True, tag="page.missed"):
    """Somebody who had the address did not know the code."""

    person: PersonId
    page: str


class PageTurnedAway(msgspec.Struct, frozen=True, kw_only=True, tag="page.turned_away"):
    """It was not shown in a browser in which *by* was signed in, or had made its address for somebody else."""

    person: PersonId
    page: str
    by: PersonId


class PageTakenBack(msgspec.Struct, frozen=True, kw_only=True, tag="page.taken_back"):
    """The address leads nowhere any more."""

    person: PersonId
    page: str


def maker_browser() -> Refused:
    """That a page of somebody's own is not for a browser of the desk."""
    return Refused(
        "This browser is one of the desk's, and this page is for the person alone.",
        "Have them open the address on a device of their own. Never make for them what proves that it is them.",
        ("maker_browser",),
    )
