"""Keys that approvers sign with: who lets them count. One person enrols or offers, another one confirms.

What is offered is made by the approver's own authenticator, in their own browser, on the approver's page.
"""

from __future__ import annotations

from datetime import datetime

from watchword.core.action import Step
from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.desk.enrolment import Enrolment, Offer
from watchword.desk.passes import LIVES, Pass, Passes
from watchword.desk.recording import person_stream
from watchword.ledger.sshkey import SSH_KEY, material_text, parse_public


class ApproverKeys:
    """Offers, enrolments and confirmations; each is ruled on like any enrolment, and is an entry."""

    def __init__(self, enrolment: Enrolment, passes: Passes) -> None:
        self.enrolment = enrolment
        self.people = enrolment.people
        self.passes = passes

    def offer(self, actor: PersonId, person: PersonId, at: datetime) -> str:
        """Let *person* enrol one passkey by themself on the approver's page, within the hour; returns the pass."""
        self.enrolment.roster.demand(actor, Step.ENROL_CREDENTIAL, person, at)
        return self.passes.give(
            Pass(kind="enrol", person=person, about=actor, until=at + LIVES["enrol"], version=self._version(person))
        )

    def options(self, text: str, at: datetime) -> tuple[Pass, Offer]:
        """What the browser needs to make the passkey; ruled on as a step of whoever offered it."""
        one = self._taken(text, at)
        return one, self.enrolment.offer(PersonId(one.about), one.person, at)

    def enrol(self, text: str, challenge: str, answer: str, at: datetime) -> Credential:
        """Enrol what the browser made. It approves nothing that asks for more than a session until it is confirmed."""
        one = self._taken(text, at)
        maker = PersonId(one.about)
        return self.enrolment.passkey(maker, one.person, challenge, answer, at, version=one.version)

    def ssh(self, actor: PersonId, person: PersonId, line: str, at: datetime) -> Credential:
        """Enrol an SSH key by its public *line*, for signatures from outside the browser; to be confirmed as well."""
        public = material_text(parse_public(line))
        self._demand_free(person, public)
        made = Credential(id=self.people.steps.ledger.pseudonym("k"), method=SSH_KEY, enrolled_at=at, public=public)
        self.people.enrol(actor, person, made, None, at)
        return made

    def _taken(self, text: str, at: datetime) -> Pass:
        one = self.passes.read(text, "enrol", at)
        if one.version != self._version(one.person):
            raise Refused("This offer was taken, or something changed since.", "Ask for a new one.", ("pass",))
        return one

    def _version(self, person: PersonId) -> int:
        return self.people.steps.ledger.read(person_stream(person))[-1].entry.version

    def _demand_free(self, person: PersonId, public: str) -> None:
        """One key is one person's, also after it was revoked."""
        steps = self.people.steps
        for other in map(steps.registry.person, steps.names.people()):
            if other.id != person and public in {*other.retired, *(c.public for c in other.credentials)}:
                raise Refused(
                    "This key is somebody else's.",
                    "Have the person make one of their own; if both are meant to be one person, treat it as an attack.",
                    ("shared_key",),
                )
