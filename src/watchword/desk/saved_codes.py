"""How somebody gets their recovery codes: through a page of their own, which shows a new set once.

Whoever administers people makes a link (`links`) and never sees one. After a code was used, the person makes the
next set at the end of that case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from watchword.core.case import Case, Delivered
from watchword.core.errors import Conflict, Refused
from watchword.core.ids import CaseId, PersonId
from watchword.core.person import Credential, CredentialEnrolled, CredentialRevoked
from watchword.desk.credential_words import asked
from watchword.desk.hand_over import HandOver
from watchword.desk.links import Link, Links
from watchword.desk.recording import draft, person_stream
from watchword.desk.steps import Steps
from watchword.ledger.append import Append
from watchword.ledger.entry import Disclosure, Retention

METHOD = "recovery_code"


class MakesCodes(Protocol):
    """What `methods.recovery_code` gives to an enrolment."""

    def enrol(self) -> tuple[bytes, tuple[str, ...]]:
        """What the vault keeps of a new set, and its codes."""
        ...


class SavedCodes:
    """Sets of recovery codes: one counts at a time, and a new one ends the one before."""

    def __init__(self, steps: Steps, links: Links, hand_over: HandOver, codes: MakesCodes) -> None:
        self.steps = steps
        self.links = links
        self.hand_over = hand_over
        self.codes = codes

    def link(self, actor: PersonId, person: PersonId, at: datetime, browser: str | None = None) -> Link:
        """Make a link for *person* in the *browser* of this mark, and the code to say to them."""
        return self.links.make(actor, person, at, browser)

    def demand(self, token: str, at: datetime) -> PersonId:
        """Whose codes the link of *token* shows; `Invalid` unless it can be opened now, in the same words always."""
        return self.links.look(token, at).person

    def open(self, token: str, spoken: str, at: datetime) -> tuple[str, ...]:
        """Make the set a link is for, and return its codes: once, to whoever knows the link's own code, *spoken*.

        Raise `Invalid` for a link that is none, opened already, or too old; `Refused` for a wrong code, and where its
        maker may no more.
        """
        given = self.links.use(token, spoken, at)
        return self._issue(given.person, given.maker, given.made, given.version, at)

    def owes(self, case: Case, browser: str) -> PersonId | None:
        """Who may have a new set at the end of *case* in this *browser*: its subject, who used a code in it."""
        used = any(e.method == METHOD for e in case.evidence)
        if not isinstance(case, Delivered) or not used or case.subject is None:
            return None
        if case.objections:  # whoever holds the browser is not the one who says so
            return None
        if not self.hand_over.is_held(case, browser) or self.links.is_known(case.subject, self.links.of_case(case.id)):
            return None
        return case.subject

    def reissue(self, case: CaseId, browser: str, at: datetime) -> tuple[str, ...]:
        """Make the set that follows a used one, for the browser that took the credential over; once for a case."""
        person = self.owes(self.steps.load(case).case, browser)
        if person is None:
            raise Refused(
                "No new recovery codes are due here.", "Ask the desk for a link to a set of your own.", ("no_codes",)
            )
        made = self.links.of_case(case)
        return self._issue(person, self.steps.runner, made, self.links.unknown(person, made), at)

    def _issue(self, person: PersonId, actor: PersonId, made: str, version: int, at: datetime) -> tuple[str, ...]:
        """Append the new set and the end of those before it, in one; of two at once the second finds the first."""
        kept, codes = self.codes.enrol()
        known = self.steps.registry.person(person)
        credential = Credential(id=made, method=METHOD, enrolled_at=at, made_alone=True)
        secret = Disclosure(name="secret", value=kept.hex(), retention=Retention.IDENTITY)
        why = Disclosure(name="why", value="a newer set was made", retention=Retention.IDENTITY)
        before = (CredentialRevoked(person=person, credential=c.id) for c in known.credentials_of(METHOD))
        made_now = CredentialEnrolled(person=person, credential=credential)
        drafts = (
            *(draft(event, actor, at, (why,)) for event in before),
            draft(made_now, actor, at, (secret,)),
        )
        append = Append(stream=person_stream(person), expected_version=version, drafts=drafts)
        try:
            self.steps.ledger.append((append,), asked(known, made_now, version + len(drafts), at))
        except Conflict as conflict:
            raise Conflict("Something else changed at the same moment.", "Open the page again.") from conflict
        return codes
