"""A person proven again by somebody whose trade it is: a document or a credential, and a face that is alive.

The provider is behind a port. What it read is compared with the digest that was enrolled; of a document nothing is kept
but what the provider signed, as a payload, so that it can be checked again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Protocol

import msgspec

from watchword.core.errors import Refused
from watchword.core.identity import METHOD, IdentityRecord, canonical
from watchword.core.person import Credential
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

Check = Literal["document", "credential", "face"]
"""What a provider may have looked at; `face` is a comparison with a living face that resists replay and injection."""

NEEDED: dict[str, frozenset[Check]] = {
    "id_proofing": frozenset({"document", "face"}),
    "verifiable_credential": frozenset({"credential", "face"}),
}
"""What each method is worth its weight for; less than that is no proof."""


class Sitting(msgspec.Struct, frozen=True, kw_only=True):
    """One time somebody is sent to a provider.

    *reference* is what comes back with them; *binding* (base64url of 32 bytes) what the result has to name. Both are
    digests of the ask: they are new each time, and tell the provider nothing.
    """

    reference: str
    binding: str
    since: datetime


class Identified(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody was found to be, and by what; *raw* is what the provider signed. Kept nowhere but as a payload."""

    given_name: str
    family_name: str
    birthdate: str
    checks: frozenset[Check]
    raw: str

    def __repr__(self) -> str:
        """Without the person."""
        return f"Identified(checks={sorted(self.checks)})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("checks", sorted(self.checks))]


class ProofingProvider(Protocol):
    """Somebody who proves who people are. Each adapter passes the contract of the methods it stands behind."""

    @property
    def framework(self) -> str:
        """What its results are told apart by in the ledger: a name, and nothing about a person."""

    def start(self, sitting: Sitting) -> str:
        """The address the person goes to; the same for the same *sitting*, without asking anybody."""

    def redeem(self, sitting: Sitting, answer: str, at: datetime) -> Identified:
        """The result for what came back with the person, or from the provider, at *at*.

        Raise `Refused` as a wrong answer for one that does not hold or is another sitting's, with `final` where the
        provider said no; `Unavailable` where it does not answer.
        """

    def recheck(self, sitting: Sitting, raw: str) -> Identified:
        """The same from *raw* alone, years later, without a clock or the provider."""


class Proofing:
    """One method over one provider: *name* says what has to have been looked at."""

    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = METHOD
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=15)

    def __init__(self, name: Literal["id_proofing", "verifiable_credential"], provider: ProofingProvider) -> None:
        self.name: str = name
        self.provider = provider

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; *options* is the address the person goes to."""
        _enrolled(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}", provider=self.provider.framework),
            show_agent="The person proves who they are with the identity provider; no document is shown to the desk.",
            options=self.provider.start(sitting_of(ask, self.name)),
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; *answer* is what the provider gave, as its adapter reads it."""
        credential, record = _enrolled(ask)
        ask.demand_open(self.life, at)
        found = self.provider.redeem(sitting_of(ask, self.name), answer, at)
        self._demand_person(found, record)
        detail: dict[str, str | int | bool] = {
            "credential": credential.id,
            "provider": self.provider.framework,
            "checks": " ".join(sorted(found.checks)),
        }
        return Proof(method=self.name, detail=detail, raw=found.raw)

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: what the provider signed is verified and compared again."""
        demand_same_method(proof, self.name)
        credential, record = _enrolled(ask)
        if proof.detail.get("credential") != credential.id:
            raise wrong_answer()
        self._demand_person(self.provider.recheck(sitting_of(ask, self.name), proof.raw or ""), record)

    def _demand_person(self, found: Identified, record: IdentityRecord) -> None:
        if not NEEDED[self.name] <= found.checks:
            raise Refused(
                "The identity provider did not look at all that this method stands on.",
                "Have the provider check a document or credential and the face, or use another method.",
                ("wrong_answer", "final"),
            )
        try:
            said = canonical(found.given_name, found.family_name, found.birthdate)
        except ValueError as error:
            raise wrong_answer() from error
        if not hmac.compare_digest(digest_of(record.salt, said), record.digest):
            raise Refused(
                "The document is not this person's.",
                "Use another method; if the name changed lately, have it enrolled again.",
                ("wrong_answer", "final"),
            )


def reference_of(ask: Ask, method: str) -> str:
    """What comes back with somebody who was sent to a provider."""
    return sitting_of(ask, method).reference


def digest_of(salt: str, said: bytes) -> str:
    """HMAC-SHA256 of `canonical` words under *salt*, hexadecimal."""
    return hmac.digest(bytes.fromhex(salt), said, hashlib.sha256).hex()


def sitting_of(ask: Ask, method: str) -> Sitting:
    """The sitting of an ask: of its case and challenge, bound to all of its statement."""
    binding = base64.urlsafe_b64encode(hashlib.sha256(ask.statement(method)).digest()).rstrip(b"=").decode()
    return Sitting(reference=f"{ask.case}.{ask.challenge}.{binding[:22]}", binding=binding, since=ask.at)


def _enrolled(ask: Ask) -> tuple[Credential, IdentityRecord]:
    if ask.credential is None or ask.credential.method != METHOD or not ask.secret:
        raise not_enrolled("identity record")
    try:
        return ask.credential, msgspec.json.decode(ask.secret, type=IdentityRecord)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise not_enrolled("identity record") from error
