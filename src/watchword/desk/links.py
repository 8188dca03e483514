"""Addresses of pages that are one person's: what a page makes is made once, and nobody at the desk sees it.

Whoever administers people makes a link, and is ruled when they make it and once more when it is used. The link says by
itself for whom, by whom and until when it was made; that it was used, the id of what it made tells, which follows from
it.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import msgspec

from watchword.core.action import Step
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import CredentialEnrolled, Kind
from watchword.desk.recording import event_of, person_stream
from watchword.desk.roster import Roster
from watchword.desk.steps import Steps

LIFE = timedelta(hours=24)
"""How long a link can be used."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The *token* of a page that is good for one thing, and until when."""

    token: str
    expires: datetime


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says: a page for *person*, by *maker*; what it makes gets the id *made*."""

    person: PersonId
    maker: PersonId
    made: str


class Links:
    """Links for one *purpose*, a word that sets them apart from all others."""

    def __init__(self, steps: Steps, roster: Roster, purpose: str) -> None:
        self.steps = steps
        self.roster = roster
        self.purpose = purpose

    def make(self, actor: PersonId, person: PersonId, at: datetime) -> Link:
        """Make a link for *person*; nothing changes until it is used. `Refused` where *actor* may not."""
        self._demand_enrols(actor, person, at)
        expires = datetime.fromtimestamp(int((at + LIFE).timestamp()), UTC)
        body = f"{person}.{actor}.{self.steps.ledger.pseudonym('e')}.{int(expires.timestamp())}"
        return Link(token=f"{body}.{self._seal(body)}", expires=expires)

    def look(self, token: str, at: datetime) -> Given:
        """What *token* is for; `Invalid`, in the same words always, unless it can be used now."""
        given = self._read(token, at)
        self.unused(given.person, given.made)
        return given

    def use(self, token: str, at: datetime) -> Given:
        """As `look`, ruled once more: `Refused` where its maker may enrol for the person no longer."""
        given = self.look(token, at)
        self._demand_enrols(given.maker, given.person, at)
        return given

    def unused(self, person: PersonId, made: str) -> int:
        """The last version of the person's stream, if no credential of this id is in it; `Invalid` where one is."""
        version = self.steps.ledger.read(person_stream(person))[-1].entry.version
        if self.is_known(person, made):
            raise no_page()
        return version

    def is_known(self, person: PersonId, made: str) -> bool:
        """Whether a credential of this id was ever enrolled, revoked since or not."""
        events = (event_of(e) for e in self.steps.ledger.read(person_stream(person)))
        return any(isinstance(e, CredentialEnrolled) and e.credential.id == made for e in events)

    def of_case(self, case: CaseId) -> str:
        """The id of what follows from a case, and not from a link."""
        return self._made(case)

    def _demand_enrols(self, actor: PersonId, person: PersonId, at: datetime) -> None:
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        known = self.steps.registry.person(person)
        if known.kind in {Kind.SYSTEM, Kind.AI}:
            raise Refused("A page of their own is for people.", "Choose a person.", ("no_person",))
        if not self.roster.powers(actor, known, at).enrols:
            raise Refused(
                "What this person may do reaches further than your administration.",
                "Ask an administrator of every unit.",
                ("not_administered",),
            )

    def _read(self, token: str, at: datetime) -> Given:
        body, _, seal = token.rpartition(".")
        if not hmac.compare_digest(self._seal(body).encode(), seal.encode("utf-8", "replace")):
            raise no_page()
        person, maker, nonce, until = body.split(".")
        if at >= datetime.fromtimestamp(int(until), UTC):
            raise no_page()
        return Given(person=PersonId(person), maker=PersonId(maker), made=self._made(nonce))

    def _made(self, nonce: str) -> str:
        return f"k-{self.steps.ledger.keyed(f'{self.purpose}-set', nonce)}"

    def _seal(self, body: str) -> str:
        return self.steps.ledger.keyed(self.purpose, body)


def no_page() -> Invalid:
    """There is none, whichever the reason."""
    return Invalid(
        "There is no such page: it was opened already, or its time is over.",
        "If it was not you who opened it, tell the desk at once: what it made has to be revoked.",
        where="page",
    )
