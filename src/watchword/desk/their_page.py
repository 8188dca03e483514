"""The person's own page is theirs: in a browser of the desk's it is refused, and the case says whose that was.

An agent who opens the page and types what a caller says on the telephone makes a proof of the caller's that nobody
gave: the caller may be relaying it, or somebody else's prompt. What tells the browsers apart is who is signed in there,
and the mark of the one in which the desk began a method; a private window, or another device, is another one.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import structlog

from watchword.core import command as do
from watchword.core.account import AccountClass
from watchword.core.case import Case, people_of
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import PersonId
from watchword.core.proving import KIOSK, desk_browser, desk_of
from watchword.desk.browsers import Visitor
from watchword.desk.steps import Loaded, Steps
from watchword.desk.vouching import PORTAL

log = structlog.get_logger("watchword.page")

WITHOUT_PEOPLE = frozenset({AccountClass.SERVICE, AccountClass.AI_AGENT, AccountClass.BREAK_GLASS})
"""Whose page is opened by owners and custodians, who are nobody's subject."""


class TheirPage:
    """Whose browser the page of a case may be open in."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps

    def demand(self, loaded: Loaded, visitor: Visitor, at: datetime) -> None:
        """Raise `Refused` where *visitor* is in a browser of the desk's, and note whose."""
        case, signed_in = loaded.case, visitor.signed_in
        away = signed_in is not None and not self._belongs(case, signed_in)
        who = signed_in if away else desk_of(case, visitor.mark)
        if who is None:
            return
        if who not in case.turned_away:
            log.warning("page.desk_browser", case=case.id, person=who)
            with suppress(Refused, Conflict):  # whatever becomes of the note, the page is not shown
                self.steps.system_step(case.id, lambda _: do.TurnAway(person=who), at)
        raise desk_browser()

    def _belongs(self, case: Case, person: PersonId) -> bool:
        """Whether *person* may be signed in where the page is open: it is theirs, or they prove something there.

        The subject; an owner or a custodian; and at a kiosk the supervisor, who signs in on the spot.
        """
        if person == case.subject:
            return True
        if any(c.prover == person and c.method not in PORTAL - {KIOSK} for c in case.challenges):
            return True
        if any(person in people for people in people_of(case).values()):
            return False
        if case.lane == KIOSK:
            return bool(self.steps.registry.person(person).credentials_of(KIOSK))
        return case.subject is None and case.account_class in WITHOUT_PEOPLE
