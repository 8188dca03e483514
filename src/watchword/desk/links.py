"""Addresses of pages that are one person's: what a page makes is made once, and nobody at the desk sees it.

Whoever administers people makes a link, and is ruled when they make it and once more when it is used. The ledger has
who made it, for whom and until when; it leads nowhere once it was used or taken back, and after a few wrong codes. The
code is said to the person by another way than the address takes, so that whoever came by the address alone has nothing.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import structlog

from watchword.core.action import Step
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.own_page import (
    PAGE_LIFE,
    PAGE_LIVES,
    OwnPage,
    PageMade,
    PageMissed,
    PageTakenBack,
    PageTurnedAway,
    maker_browser,
)
from watchword.core.person import CredentialEnrolled, Kind, Person, PersonEvent
from watchword.desk.browsers import Visitor
from watchword.desk.digits import code_of, plain
from watchword.desk.recording import draft, event_of, person_stream
from watchword.desk.roster import Roster
from watchword.desk.steps import RACES, Steps
from watchword.ledger.append import Append

log = structlog.get_logger("watchword.desk")


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The *token* of a page that is good for one thing, the *code* that is said to its owner, and until when."""

    token: str
    code: str
    expires: datetime


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says: a page for *person*, by *maker*; what it makes gets the id *made*.

    *version* is the last one of the person's stream when the page was seen to be there.
    """

    person: PersonId
    maker: PersonId
    made: str
    version: int


class Links:
    """Links for one *purpose*, a word that sets them apart from all others."""

    def __init__(self, steps: Steps, roster: Roster, purpose: str) -> None:
        self.steps = steps
        self.roster = roster
        self.purpose = purpose
        # Codes sent side by side would all be compared before the first miss is recorded.
        self._one_at_a_time = threading.Lock()

    def make(self, actor: PersonId, person: PersonId, at: datetime, browser: str | None = None) -> Link:
        """Make a link for *person*, in the *browser* of this mark. `Refused` where *actor* may not."""
        expires = datetime.fromtimestamp(int((at + PAGE_LIVES.get(self.purpose, PAGE_LIFE)).timestamp()), UTC)
        page = OwnPage(
            id=self.steps.ledger.pseudonym("k"), purpose=self.purpose, by=actor, expires=expires, browser=browser
        )

        def decide(known: Person) -> PersonEvent:
            demand_enrols(self.roster, actor, known, at)
            return PageMade(person=person, page=page)

        _append(self.steps, actor, person, decide, at)
        body = f"{person}.{page.id}"
        return Link(token=f"{body}.{self._seal(body)}", code=self._code(page.id), expires=expires)

    def look(self, token: str, at: datetime) -> Given:
        """What *token* is for; `Invalid`, in the same words always, unless it can be used now."""
        body, _, seal = token.rpartition(".")
        if not hmac.compare_digest(self._seal(body).encode(), seal.encode("utf-8", "replace")):
            raise no_page()
        person, page = body.split(".")
        return self._open(PersonId(person), page, at)

    def demand_theirs(self, token: str, visitor: Visitor, at: datetime) -> None:
        """Raise `Refused` where *visitor* is in a browser of the desk's, and note whose; `Invalid` as `look` does.

        The code is known to whoever made the address, who could make what is another's here.
        """
        given = self.look(token, at)
        page = self._page(given.person, given.made, at)
        who = page.desk_of(given.person, visitor.signed_in, visitor.mark)
        if who is None:
            return

        def decide(known: Person) -> PersonEvent:
            # Asked again and again, or at once from many tabs, it is one note; of a page that is gone there is none.
            if all(p.id != page.id or who in p.turned_away for p in known.pages_at(at)):
                raise maker_browser()
            return PageTurnedAway(person=given.person, page=page.id, by=who)

        with suppress(Conflict):  # whatever becomes of the note, the page is not shown
            _append(self.steps, self.steps.runner, given.person, decide, at)
            log.warning("page.desk_browser", person=given.person, page=page.id, by=who)
        raise maker_browser()

    def use(self, token: str, code: str, at: datetime) -> Given:
        """As `look`, for whoever knows the *code*; a wrong one is recorded before `Refused` says so.

        `Invalid` for what can not be a code, which counts as no try; `Refused` too where its maker may enrol for the
        person no longer.
        """
        with self._one_at_a_time:
            given = self.look(token, at)
            if (typed := plain(code)) is None:
                raise Invalid("The code of this page has six digits.", "Type it as it was said to you.", "spoken")
            if not hmac.compare_digest(self._code(given.made).encode(), typed.encode()):
                self._miss(given, at)
                raise Refused(
                    "That is not the code of this page.",
                    "Have whoever gave you the address say it again; the third wrong one closes the page.",
                    ("wrong_page_code",),
                )
        demand_enrols(self.roster, given.maker, self.steps.registry.person(given.person), at)
        return given

    def unknown(self, person: PersonId, made: str) -> int:
        """The last version of the person's stream, if no credential of this id is in it; `Invalid` where one is."""
        version = _version(self.steps, person)
        if self.is_known(person, made):
            raise no_page()
        return version

    def is_known(self, person: PersonId, made: str) -> bool:
        """Whether a credential of this id was ever enrolled, revoked since or not."""
        events = (event_of(e) for e in self.steps.ledger.read(person_stream(person)))
        return any(isinstance(e, CredentialEnrolled) and e.credential.id == made for e in events)

    def of_case(self, case: CaseId) -> str:
        """The id of what follows from a case, and not from a link."""
        return f"k-{self.steps.ledger.keyed(f'{self.purpose}-set', case)}"

    def _open(self, person: PersonId, page: str, at: datetime) -> Given:
        # The version first: what comes between it and the look is found when something is made.
        version = _version(self.steps, person)
        found = self._page(person, page, at)
        return Given(person=person, maker=found.by, made=found.id, version=version)

    def _page(self, person: PersonId, page: str, at: datetime) -> OwnPage:
        pages = self.steps.registry.person(person).pages_at(at)
        found = next((p for p in pages if (p.id, p.purpose) == (page, self.purpose)), None)
        if found is None:
            raise no_page()
        return found

    def _miss(self, given: Given, at: datetime) -> None:
        def decide(_: Person) -> PersonEvent:
            self._open(given.person, given.made, at)
            return PageMissed(person=given.person, page=given.made)

        _append(self.steps, self.steps.runner, given.person, decide, at)
        log.warning("page.missed", person=given.person, page=given.made, purpose=self.purpose)

    def _code(self, page: str) -> str:
        return code_of(self.steps.ledger.keyed(f"{self.purpose}-code", page))

    def _seal(self, body: str) -> str:
        return self.steps.ledger.keyed(f"{self.purpose}-page", body)


def take_back(roster: Roster, actor: PersonId, person: PersonId, page: str, at: datetime) -> None:
    """Have the address of *page* lead nowhere any more; `Invalid` where it leads nowhere as it is."""

    def decide(known: Person) -> PersonEvent:
        demand_enrols(roster, actor, known, at)
        if page not in {p.id for p in known.pages_at(at)}:
            raise Invalid(
                "This address leads nowhere as it is: it was used or taken back, or its time is over.",
                "Look at what they have enrolled.",
                where="page",
            )
        return PageTakenBack(person=person, page=page)

    _append(roster.steps, actor, person, decide, at)


def demand_enrols(roster: Roster, actor: PersonId, known: Person, at: datetime) -> None:
    """Raise `Refused` unless *actor* may make a page for somebody who is *known* so."""
    roster.demand(actor, Step.ENROL_CREDENTIAL, known.id, at)
    if known.kind in {Kind.SYSTEM, Kind.AI}:
        raise Refused("A page of their own is for people.", "Choose a person.", ("no_person",))
    if not roster.powers(actor, known, at).enrols:
        raise Refused(
            "What this person may do reaches further than your administration.",
            "Ask an administrator of every unit.",
            ("not_administered",),
        )


def _append(
    steps: Steps, actor: PersonId, person: PersonId, decide: Callable[[Person], PersonEvent], at: datetime
) -> None:
    """Append what *decide* makes of the person, again where something came between."""
    for attempt in range(RACES):
        version = _version(steps, person)
        event = decide(steps.registry.person(person))
        append = Append(stream=person_stream(person), expected_version=version, drafts=(draft(event, actor, at),))
        try:
            steps.ledger.append((append,))
        except Conflict:
            if attempt == RACES - 1:
                raise
            continue
        return


def _version(steps: Steps, person: PersonId) -> int:
    return steps.ledger.read(person_stream(person))[-1].entry.version


def no_page() -> Invalid:
    """There is none, whichever the reason."""
    return Invalid(
        "There is no such page: it was used already, taken back or closed, or its time is over.",
        "Ask whoever gave you the address for another; if it was not you who used it, tell the desk at once.",
        where="page",
    )
