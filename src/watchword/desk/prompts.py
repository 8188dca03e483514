"""The browsers that answer prompts: how one is enrolled, what waits for it, and the answers it signs.

A browser is enrolled on a page of its owner's own, once and for whoever was told its code; the entry is of whoever made
the page's address. A browser asks what waits by signing a greeting of ours, so that nobody learns it by asking.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from watchword.core.action import Action
from watchword.core.case import Case
from watchword.core.errors import Invalid, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential
from watchword.core.progress import Challenge
from watchword.core.prompt import METHOD, PromptMaterial
from watchword.desk.links import Link, Links
from watchword.desk.objections import Objections
from watchword.desk.people import People
from watchword.desk.verification import Verification

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

    def __init__(
        self, people: People, links: Links, verification: Verification, objections: Objections, keys: ChecksPrompts
    ) -> None:
        self.people = people
        self.links = links
        self.verification = verification
        self.objections = objections
        self.keys = keys
        self.steps = people.steps

    # --- enrolling ---------------------------------------------------------------------------------------------------

    def link(self, actor: PersonId, person: PersonId, at: datetime, browser: str | None = None) -> Link:
        """Make a link for *person* in the *browser* of this mark, and the code to say to them."""
        return self.links.make(actor, person, at, browser)

    def enrol(self, token: str, spoken: str, x: str, y: str, at: datetime) -> Held:
        """Enrol the browser that opened the link of *token* and made the key *x*, *y*; *spoken* is the link's code."""
        self.keys.demand_key(x, y)
        given = self.links.use(token, spoken, at)
        public = msgspec.json.encode(PromptMaterial(x=x, y=y, offer=given.made)).decode()
        credential = Credential(id=given.made, method=METHOD, enrolled_at=at, public=public)
        self.people.enrol(given.maker, given.person, credential, None, at, version=given.version)
        return Held(person=given.person, credential=given.made)

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
        That it was not them is a “not me” like any other: the case stands still.
        """
        self._credential(held)
        self.steps.cases.follow(self.steps.ledger)
        case = next((case.id for case, one in self._running(held, at) if one.id == challenge), None)
        if case is None:
            raise Refused("This prompt is over.", "Ask the desk to begin it again.", ("expired",))
        try:
            self.verification.answer(case, challenge, answer, at, attesting=None)
        except Refused as refused:
            if "not_me" in refused.reasons:
                self.objections.object_on_prompt(case, at)
            raise
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


def _another_browser() -> Refused:
    return Refused(
        "This browser is not enrolled for prompts.",
        "Have it enrolled again, at the desk.",
        ("not_enrolled_browser",),
    )
