"""The browsers that answer prompts: how one is enrolled, what waits for it, and the answers it signs.

An enrolment is offered by whoever may enrol credentials, as an address to open once; whoever opens it first is ruled on
as a choice of theirs. A browser asks what waits by signing a greeting of ours, so that nobody learns it by asking.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from watchword.core.action import Action, Step
from watchword.core.case import Case
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential, CredentialEnrolled
from watchword.core.progress import Challenge
from watchword.core.prompt import METHOD, PromptMaterial
from watchword.desk.people import People
from watchword.desk.recording import event_of, person_stream
from watchword.desk.roster import Roster
from watchword.desk.verification import Verification

LIFE = timedelta(minutes=15)
"""How long an offer can be opened in the person's browser."""

GREETING = timedelta(minutes=1)
"""How long a greeting can be signed."""


class ChecksPrompts(Protocol):
    """What `methods.push_number` gives to a browser for prompts."""

    def demand_key(self, x: str, y: str) -> None:
        """Raise `Invalid` unless this is a public key."""
        ...

    def demand_signature(self, credential: Credential, message: bytes, signature: str) -> None:
        """Raise `Refused` unless the browser *credential* stands for signed *message*."""
        ...


class _Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may enrol a browser for whom; *nonce* makes it one of its kind, *until* is in seconds since 1970."""

    nonce: str
    actor: PersonId
    person: PersonId
    until: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser keeps: whose prompts it answers, and as which enrolment."""

    person: PersonId
    credential: str


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt that waits: *statement* is what its answer is signed over."""

    challenge: str
    case: CaseId
    action: Action
    statement: bytes
    expires: datetime


class Prompts:
    """Enrolled browsers as use cases."""

    def __init__(self, people: People, roster: Roster, verification: Verification, keys: ChecksPrompts) -> None:
        self.people = people
        self.roster = roster
        self.verification = verification
        self.keys = keys
        self.steps = people.steps

    # --- enrolling ---------------------------------------------------------------------------------------------------

    def offer(self, actor: PersonId, person: PersonId, at: datetime) -> tuple[str, datetime]:
        """What the person's browser shows to be enrolled, once, and until when."""
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        until = int((at + LIFE).timestamp())
        made = _Offer(nonce=self.steps.ledger.pseudonym("e"), actor=actor, person=person, until=until)
        body = base64.urlsafe_b64encode(msgspec.json.encode(made)).rstrip(b"=").decode()
        return f"{body}.{self._seal('offer', body)}", datetime.fromtimestamp(until, UTC)

    def enrol(self, offer: str, x: str, y: str, at: datetime) -> Held:
        """Enrol the browser that shows *offer* and made the key *x*, *y*: ruled on as a step of whoever offered it."""
        made = self._offered(offer, at)
        self.keys.demand_key(x, y)
        for appended in self.steps.ledger.read(person_stream(made.person)):
            event = event_of(appended) if appended.entry.type == "credential.enrolled" else None
            if isinstance(event, CredentialEnrolled) and event.credential.id == made.nonce:
                raise Refused(
                    "This address was opened already.",
                    "Ask for another one, and say so if it was not you.",
                    ("offer_used",),
                )
        public = msgspec.json.encode(PromptMaterial(x=x, y=y, offer=made.nonce)).decode()
        credential = Credential(id=made.nonce, method=METHOD, enrolled_at=at, public=public)
        self.people.enrol(made.actor, made.person, credential, None, at)
        return Held(person=made.person, credential=made.nonce)

    def _offered(self, offer: str, at: datetime) -> _Offer:
        body, _, seal = offer.rpartition(".")
        try:
            if not hmac.compare_digest(self._seal("offer", body).encode(), seal.encode("utf-8", "replace")):
                raise _no_offer()
            made = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Offer)
        except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
            raise _no_offer() from error
        if at >= datetime.fromtimestamp(made.until, UTC):
            raise _no_offer()
        return made

    # --- answering ---------------------------------------------------------------------------------------------------

    def greeting(self, at: datetime) -> str:
        """What a browser signs to say that it is the enrolled one."""
        until = str(int((at + GREETING).timestamp()))
        return f"{until}.{self._seal('greeting', until)}"

    def waiting(self, held: Held, greeting: str, signature: str, at: datetime) -> tuple[Prompt, ...]:
        """What waits for this browser; `Refused` in the same words whatever is wrong with what it shows."""
        self.demand(held, greeting, to_greet(greeting), signature, at)
        self.steps.cases.follow(self.steps.ledger)
        return tuple(
            Prompt(
                challenge=challenge.id,
                case=case.id,
                action=case.action,
                statement=self.verification.ask_of(case, challenge.id, at)[1].statement(challenge.method),
                expires=challenge.expires,
            )
            for case, challenge in self._running(held, at)
        )

    def demand(self, held: Held, greeting: str, message: bytes, signature: str, at: datetime) -> None:
        """Raise `Refused` unless this browser signed *message*, which holds a *greeting* of ours, within its time."""
        until, _, seal = greeting.rpartition(".")
        if not hmac.compare_digest(self._seal("greeting", until).encode(), seal.encode("utf-8", "replace")):
            raise _another_browser()
        if not timedelta(0) < datetime.fromtimestamp(int(until), UTC) - at <= GREETING + timedelta(seconds=1):
            raise _another_browser()
        self.keys.demand_signature(self._credential(held), message, signature)

    def answer(self, held: Held, challenge: str, answer: str, at: datetime) -> CaseId:
        """Take what this browser signed, for one of its own prompts; returns the case. See `Verification.answer`.

        At a hand-over the number is shown by the browser that opened it and by no other, which is what binds the two.
        """
        self._credential(held)
        self.steps.cases.follow(self.steps.ledger)
        case = next((case.id for case, one in self._running(held, at) if one.id == challenge), None)
        if case is None:
            raise Refused("This prompt is over.", "Ask the desk to begin it again.", ("expired",))
        self.verification.answer(case, challenge, answer, at, attesting=None)
        return case

    def _running(self, held: Held, at: datetime) -> tuple[tuple[Case, Challenge], ...]:
        return tuple(
            (case, one)
            for case in self.steps.cases.running()
            for one in case.challenges
            if one.prover == held.person and one.credential == held.credential and not one.ended and at < one.expires
        )

    def _credential(self, held: Held) -> Credential:
        """The enrolment a browser names; `Refused` where it counts no longer or never did."""
        try:
            enrolled = self.steps.registry.person(held.person).credentials_of(METHOD)
        except Invalid as unknown:
            raise _another_browser() from unknown
        found = next((c for c in enrolled if c.id == held.credential), None)
        if found is None:
            raise _another_browser()
        return found

    def _seal(self, what: str, words: str) -> str:
        return self.steps.ledger.keyed(f"prompt-{what}", words)


def to_greet(greeting: str) -> bytes:
    """The bytes a browser signs to ask what waits."""
    return b"watchword prompt greeting\n" + greeting.encode("utf-8", "replace")


def _no_offer() -> Invalid:
    return Invalid("This address enrols no browser, or its time is over.", "Ask for another one.", where="offer")


def _another_browser() -> Refused:
    return Refused(
        "This browser is not enrolled for prompts.",
        "Have it enrolled again, at the desk.",
        ("not_enrolled_browser",),
    )
