"""Proofing by a provider: whose record it is held against, and which challenge a result is about."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

import msgspec

from watchword.core.action import Step
from watchword.core.errors import Invalid, Refused
from watchword.core.identity import METHOD, IdentityMaterial, IdentityRecord, canonical
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential
from watchword.core.progress import Challenge
from watchword.desk.hand_over import HandOver
from watchword.desk.people import People
from watchword.desk.roster import Roster
from watchword.methods.port import Ask

LONGEST = 200
"""Characters of a name."""


class Proofings:
    """Records of who people are outside, and the ways back from a provider."""

    def __init__(
        self,
        people: People,
        roster: Roster,
        hand_over: HandOver,
        *,
        reference_of: Callable[[Ask, str], str],
        digest_of: Callable[[str, bytes], str],
    ) -> None:
        self.people = people
        self.roster = roster
        self.hand_over = hand_over
        self.steps = people.steps
        self.reference_of = reference_of
        self._digest_of = digest_of

    def enrol(
        self, actor: PersonId, person: PersonId, *, given_name: str, family_name: str, birthdate: str, at: datetime
    ) -> Credential:
        """Hold the name and date of birth on somebody's documents, as a salted digest that is itself sealed."""
        self.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        if max(len(given_name), len(family_name), len(birthdate)) > LONGEST:
            raise Invalid("That is too long.", f"Use at most {LONGEST} characters each.", where="given_name")
        try:
            said = canonical(given_name, family_name, birthdate.strip())
        except ValueError as error:
            raise Invalid(
                "That is no name with a date of birth.",
                "Write both names as the document has them, and the date as 1980-12-24.",
                where="birthdate",
            ) from error
        salt = secrets.token_hex(32)
        record = IdentityRecord(salt=salt, digest=self._digest_of(salt, said))
        public = msgspec.json.encode(IdentityMaterial(record=self.steps.ledger.pseudonym("r"))).decode()
        credential = Credential(id=self.steps.ledger.pseudonym("k"), method=METHOD, enrolled_at=at, public=public)
        self.people.enrol(actor, person, credential, msgspec.json.encode(record).hex(), at)
        return credential

    def page_of(self, reference: str, at: datetime) -> tuple[CaseId, str, str]:
        """The case, the token of its caller's page, and the challenge that *reference* stands for."""
        case, challenge = self._found(reference, at)
        return case, self.hand_over.page_token(case), challenge.id

    def deliver(self, reference: str, answer: str, at: datetime) -> tuple[CaseId, str] | None:
        """Take what a provider posted for *reference*; None where the challenge has ended already, whoever asks again.

        Nothing says that it came from the person's own browser, so it answers neither a hand-over nor for a new
        contact point, which are bound to one.
        """
        case, challenge = self._found(reference, at)
        if challenge.ended:
            return None
        self.hand_over.answer(case, challenge.id, answer, "", at)
        return case, challenge.id

    def browser(self, reference: str) -> str:
        """What the browser that was sent to a provider shows when it comes back."""
        return self.steps.ledger.keyed("proofing-browser", reference)

    def demand_browser(self, reference: str, browser: str) -> None:
        """Raise `Refused` unless this browser is the one that was sent."""
        if not hmac.compare_digest(self.browser(reference).encode(), browser.encode("utf-8", "replace")):
            raise Refused(
                "Another browser was sent to the identity provider.",
                "Go on in the browser you began with, and open the address you were given by the desk there.",
                ("other_browser",),
            )

    def _found(self, reference: str, at: datetime) -> tuple[CaseId, Challenge]:
        parts = reference.split(".")
        if len(reference) > LONGEST or len(parts) != 3:
            raise _nobody_sent()
        case = self.steps.load(CaseId(parts[0])).case
        challenge = next((c for c in case.challenges if c.id == parts[1]), None)
        if challenge is None:
            raise _nobody_sent()
        _, ask = self.hand_over.verification.ask_of(case, challenge.id, at)
        if not hmac.compare_digest(
            self.reference_of(ask, challenge.method).encode(), reference.encode("utf-8", "replace")
        ):
            raise _nobody_sent()
        return case.id, challenge


def _nobody_sent() -> Invalid:
    return Invalid("Nobody was sent to a provider with this reference.", "Begin the method again.", where="case")
