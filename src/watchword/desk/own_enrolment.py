"""How somebody enrols by themself: on a page of their own, with nobody who could keep a copy.

A page is good for one credential, a passkey or an authenticator app, and opens to whoever was told its code. Whoever
made its address is ruled on at each step, and the entry is theirs; that it was made alone, the credential says. It is
worth what any enrolment of that age is.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from watchword.core.account import FACT_WINDOW
from watchword.core.ids import PersonId
from watchword.core.person import Credential
from watchword.desk.enrolment import Enrolment, Offer, SeedOffer
from watchword.desk.links import Link, Links


class MadeAlone(msgspec.Struct, frozen=True, kw_only=True):
    """A credential by *method* is enrolled; *counts_from* is None where it proves something at once."""

    method: str
    counts_from: datetime | None


class OwnEnrolment:
    """Enrolments by *links*."""

    def __init__(self, enrolment: Enrolment, links: Links) -> None:
        self.enrolment = enrolment
        self.links = links

    def link(self, actor: PersonId, person: PersonId, at: datetime, browser: str | None = None) -> Link:
        """Make a link for *person* in the *browser* of this mark, and the code to say to them."""
        return self.links.make(actor, person, at, browser)

    def demand(self, token: str, at: datetime) -> PersonId:
        """Whose page the link of *token* opens; `Invalid` unless it can be used now, in the same words always."""
        return self.links.look(token, at).person

    def offer_passkey(self, token: str, spoken: str, at: datetime) -> Offer:
        """Begin a passkey; of several begun one is enrolled. *spoken* is the link's code, here and in each step."""
        given = self.links.use(token, spoken, at)
        return self.enrolment.offer(given.maker, given.person, at)

    def passkey(self, token: str, spoken: str, challenge: str, answer: str, at: datetime) -> MadeAlone:
        """Enrol the passkey that the browser made; *answer* is its registration, as JSON."""
        given = self.links.use(token, spoken, at)
        made = self.enrolment.passkey(
            given.maker, given.person, challenge, answer, at, version=given.version, made=given.made
        )
        return self._told(given.person, made)

    def offer_totp(self, token: str, spoken: str, at: datetime) -> SeedOffer:
        """Begin an app, each time with another seed: what somebody else was shown before is worth nothing."""
        given = self.links.use(token, spoken, at)
        return self.enrolment.offer_totp(given.maker, given.person, at)

    def totp(self, token: str, spoken: str, challenge: str, code: str, at: datetime) -> MadeAlone:
        """Enrol the app that shows *code*; a wrong one of the app costs nothing, and can be typed again."""
        given = self.links.use(token, spoken, at)
        made = self.enrolment.confirm_totp(
            given.maker, given.person, challenge, code, at, made=given.made, version=given.version
        )
        return self._told(given.person, made)

    def _told(self, person: PersonId, made: Credential) -> MadeAlone:
        young = self.enrolment.people.steps.registry.person(person).is_young(made, made.enrolled_at)
        return MadeAlone(method=made.method, counts_from=made.enrolled_at + FACT_WINDOW if young else None)
