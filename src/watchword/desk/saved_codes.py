"""How somebody gets their recovery codes: through a page of their own, which shows a new set once.

Whoever administers people makes a link, is ruled when they make it and once more when it is opened, and never sees a
code. The link says by itself for whom, by whom and until when it was made; that it was opened, the set's id tells,
which follows from it. After a code was used, the person makes the next set at the end of that case.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from watchword.core.action import Step
from watchword.core.case import Case, Delivered
from watchword.core.errors import Conflict, Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential, CredentialEnrolled, CredentialRevoked, Kind
from watchword.desk.hand_over import HandOver
from watchword.desk.recording import draft, event_of, person_stream
from watchword.desk.roster import Roster
from watchword.desk.steps import Steps
from watchword.ledger.append import Append
from watchword.ledger.entry import Disclosure, Retention

LIFE = timedelta(hours=24)
"""How long a link can be opened."""

METHOD = "recovery_code"


class MakesCodes(Protocol):
    """What `methods.recovery_code` gives to an enrolment."""

    def enrol(self) -> tuple[bytes, tuple[str, ...]]:
        """What the vault keeps of a new set, and its codes."""
        ...


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """The *token* of a page that shows codes once, and until when it can be opened."""

    token: str
    expires: datetime


class SavedCodes:
    """Sets of recovery codes: one counts at a time, and a new one ends the one before."""

    def __init__(self, steps: Steps, roster: Roster, hand_over: HandOver, codes: MakesCodes) -> None:
        self.steps = steps
        self.roster = roster
        self.hand_over = hand_over
        self.codes = codes

    def link(self, actor: PersonId, person: PersonId, at: datetime) -> Link:
        """Make a link for *person*; nothing changes until it is opened."""
        self._demand(actor, person, at)
        expires = datetime.fromtimestamp(int((at + LIFE).timestamp()), UTC)
        body = f"{person}.{actor}.{self.steps.ledger.pseudonym('e')}.{int(expires.timestamp())}"
        return Link(token=f"{body}.{self._seal(body)}", expires=expires)

    def demand(self, token: str, at: datetime) -> PersonId:
        """Whose codes the link of *token* shows; `Invalid` unless it can be opened now, in the same words always."""
        person, _, made = self._read(token, at)
        if self._is_known(person, made):
            raise _no_page()
        return person

    def open(self, token: str, at: datetime) -> tuple[str, ...]:
        """Make the set a link is for, and return its codes: once, to whoever opens it first.

        Raise `Invalid` for a link that is none, opened already, or too old; `Refused` where its maker may no more.
        """
        person, actor, made = self._read(token, at)
        self._demand(actor, person, at)
        return self._issue(person, actor, made, at)

    def owes(self, case: Case, browser: str) -> PersonId | None:
        """Who may have a new set at the end of *case* in this *browser*: its subject, who used a code in it."""
        used = any(e.method == METHOD for e in case.evidence)
        if not isinstance(case, Delivered) or not used or case.subject is None:
            return None
        if not self.hand_over.is_held(case, browser) or self._is_known(case.subject, self._of(case.id)):
            return None
        return case.subject

    def reissue(self, case: CaseId, browser: str, at: datetime) -> tuple[str, ...]:
        """Make the set that follows a used one, for the browser that took the credential over; once for a case."""
        person = self.owes(self.steps.load(case).case, browser)
        if person is None:
            raise Refused(
                "No new recovery codes are due here.", "Ask the desk for a link to a set of your own.", ("no_codes",)
            )
        return self._issue(person, self.steps.runner, self._of(case), at)

    def _issue(self, person: PersonId, actor: PersonId, made: str, at: datetime) -> tuple[str, ...]:
        """Append the new set and the end of those before it, in one; of two at once the second finds the first."""
        kept, codes = self.codes.enrol()
        known = self.steps.registry.person(person)
        version = self.steps.ledger.read(person_stream(person))[-1].entry.version
        if self._is_known(person, made):
            raise _no_page()
        credential = Credential(id=made, method=METHOD, enrolled_at=at)
        secret = Disclosure(name="secret", value=kept.hex(), retention=Retention.IDENTITY)
        why = Disclosure(name="why", value="a newer set was made", retention=Retention.IDENTITY)
        before = (CredentialRevoked(person=person, credential=c.id) for c in known.credentials_of(METHOD))
        drafts = (
            *(draft(event, actor, at, (why,)) for event in before),
            draft(CredentialEnrolled(person=person, credential=credential), actor, at, (secret,)),
        )
        try:
            self.steps.ledger.append((Append(stream=person_stream(person), expected_version=version, drafts=drafts),))
        except Conflict as conflict:
            raise Conflict("Something else changed at the same moment.", "Open the page again.") from conflict
        return codes

    def _demand(self, actor: PersonId, person: PersonId, at: datetime) -> None:
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        known = self.steps.registry.person(person)
        if known.kind in {Kind.SYSTEM, Kind.AI}:
            raise Refused("Recovery codes are for people.", "Choose a person.", ("no_person",))
        if not self.roster.powers(actor, known, at).enrols:
            raise Refused(
                "What this person may do reaches further than your administration.",
                "Ask an administrator of every unit.",
                ("not_administered",),
            )

    def _is_known(self, person: PersonId, made: str) -> bool:
        """Whether a set of this id was ever made, revoked since or not."""
        events = (event_of(e) for e in self.steps.ledger.read(person_stream(person)))
        return any(isinstance(e, CredentialEnrolled) and e.credential.id == made for e in events)

    def _read(self, token: str, at: datetime) -> tuple[PersonId, PersonId, str]:
        body, _, seal = token.rpartition(".")
        if not hmac.compare_digest(self._seal(body).encode(), seal.encode("utf-8", "replace")):
            raise _no_page()
        person, actor, nonce, until = body.split(".")
        if at >= datetime.fromtimestamp(int(until), UTC):
            raise _no_page()
        return PersonId(person), PersonId(actor), f"k-{self.steps.ledger.keyed('saved-codes-set', nonce)}"

    def _of(self, case: CaseId) -> str:
        """The id of the set that follows from a case."""
        return f"k-{self.steps.ledger.keyed('saved-codes-set', case)}"

    def _seal(self, body: str) -> str:
        return self.steps.ledger.keyed("saved-codes", body)


def _no_page() -> Invalid:
    return Invalid(
        "There is no such page: it was opened already, or its time is over.",
        "If it was not you who opened it, tell the desk at once: the codes it showed have to be revoked.",
        where="page",
    )
