"""Keys that approvers sign with: who lets them count. One person enrols or offers, another one confirms.

What is offered is made by the approver's own authenticator, in their own browser, on the approver's page, by whoever
was told its code.
"""

from __future__ import annotations

from datetime import datetime

from watchword.core.errors import Refused
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.desk.enrolment import Enrolment, Offer
from watchword.desk.links import Given, Link, Links
from watchword.ledger.sshkey import SSH_KEY, material_text, parse_public


class ApproverKeys:
    """Offers, enrolments and confirmations; each is ruled on like any enrolment, and is an entry."""

    def __init__(self, enrolment: Enrolment, links: Links) -> None:
        self.enrolment = enrolment
        self.people = enrolment.people
        self.links = links

    def offer(self, actor: PersonId, person: PersonId, at: datetime) -> Link:
        """Let *person* enrol one passkey by themself on the approver's page, within the hour; the code is for them."""
        return self.links.make(actor, person, at)

    def offered(self, token: str, at: datetime) -> Given:
        """Whose page *token* opens, and who made its address; `Invalid` unless it can be used now."""
        return self.links.look(token, at)

    def options(self, token: str, spoken: str, at: datetime) -> Offer:
        """What the browser needs to make the passkey; *spoken* is the code, here and as the passkey is enrolled."""
        given = self.links.use(token, spoken, at)
        return self.enrolment.offer(given.maker, given.person, at)

    def enrol(self, token: str, spoken: str, challenge: str, answer: str, at: datetime) -> Credential:
        """Enrol what the browser made. It approves nothing that asks for more than a session until it is confirmed."""
        given = self.links.use(token, spoken, at)
        return self.enrolment.passkey(
            given.maker, given.person, challenge, answer, at, version=given.version, made=given.made
        )

    def ssh(self, actor: PersonId, person: PersonId, line: str, at: datetime) -> Credential:
        """Enrol an SSH key by its public *line*, for signatures from outside the browser; to be confirmed as well."""
        public = material_text(parse_public(line))
        self._demand_free(person, public)
        made = Credential(id=self.people.steps.ledger.pseudonym("k"), method=SSH_KEY, enrolled_at=at, public=public)
        self.people.enrol(actor, person, made, None, at)
        return made

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
