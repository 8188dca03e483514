"""The port every method implements: begin a challenge, say what to send, check an answer, check a stored proof again.

A method keeps nothing. What it has to know of earlier attempts, counters and enrolments comes in with the `Ask`, folded
from the ledger; what it has to send it describes, and somebody else sends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from watchword.core.account import Contact
from watchword.core.approval import SignedProof
from watchword.core.errors import Refused
from watchword.core.event import Purpose
from watchword.core.ids import AccountId, CaseId
from watchword.core.person import Credential
from watchword.core.proving import TRIES

NO = "no"
"""What somebody answers who does not vouch; it needs no passkey, and ends the method."""

_UNSAID = frozenset({"secret", "contact", "prompt"})


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One challenge put to one person, with all a method may know of them.

    *challenge* is a random id from the ledger (96 bits or more), *at* when it was begun. *credential* is the enrolment
    to prove, with the counter last accepted for it as the person's stream has it now; *secret* what the vault holds for
    it (a TOTP seed); *contact* the contact point of record. *attempts* are wrong answers so far, *spent* says that this
    challenge has already ended. *prompt* is what `SendsPrompts.prompt` returned when it was sent. *language* is the one
    a message is written in: the person's own, where it is known.
    """

    challenge: str
    case: CaseId
    account: AccountId
    purpose: Purpose
    at: datetime
    credential: Credential | None = None
    secret: bytes | None = None
    contact: Contact | None = None
    attempts: int = 0
    spent: bool = False
    prompt: str | None = None
    language: str = "en"

    def statement(self, method: str) -> bytes:
        """The bytes an answer is bound to: *method*, challenge, case, account and purpose, as one JSON array."""
        return msgspec.json.encode((method, self.challenge, self.case, self.account, self.purpose))

    def demand_open(self, life: timedelta, at: datetime) -> None:
        """Raise `Refused` unless the challenge can still be answered at *at*, within *life* of its beginning."""
        if self.spent:
            raise Refused(
                "This challenge was already answered.",
                "Begin the method again: each answer counts once.",
                ("replayed",),
            )
        if self.attempts >= TRIES:
            raise Refused(
                "This challenge was answered wrongly too often.",
                "Use another method the procedure names, or come back when the failures have aged.",
                ("exhausted",),
            )
        if not timedelta(0) <= at - self.at < life:
            raise Refused("This challenge has expired.", "Begin the method again and answer in time.", ("expired",))

    def __repr__(self) -> str:
        """Without the secret, the contact and the prompt: what is printed ends up in logs."""
        return f"Ask({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in _UNSAID]


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge that waits for its answer until *expires*.

    *show_caller* is for the person (for a passkey the request options as JSON), *show_agent* for the desk: never a
    secret, a code or a destination. *options* is what a program needs that answers in the person's place (a workload's
    audience). *send* names the channel over which `MethodPort.message` has to go out.
    """

    expires: datetime
    show_caller: str | None = None
    show_agent: str | None = None
    options: str | None = None
    send: Literal["mail", "call", "sms"] | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out over the channel; made when it is sent and kept nowhere, for *text* holds the code."""

    subject: str
    text: str

    def __repr__(self) -> str:
        """Without the text."""
        return f"Message(subject={self.subject!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("subject", self.subject)]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that proved.

    *detail* may stand in a leaf: it names no person, place or number of a document. *counter* is the TOTP step or sign
    count now used up, the credential's next `Credential.counter`. *raw* is the answer in a form that can be checked
    again (a passkey's assertion as JSON, the words of an attestation): a payload, never a leaf.
    """

    method: str
    detail: dict[str, str | int | bool]
    counter: int | None = None
    raw: str | None = None


class MethodPort(Protocol):
    """A way to verify a person. Each adapter passes `watchword.methods.contract.MethodContract`."""

    @property
    def name(self) -> str:
        """The name policy weighs it by, in `methods.yaml`."""

    @property
    def enforced(self) -> bool:
        """Whether the software checks the answer; False when a human attests it."""

    @property
    def voice(self) -> bool:
        """Whether the answer travels over the voice channel."""

    @property
    def enrolment(self) -> str | None:
        """The `Credential.method` that `Ask.credential` has to have; None when nothing is enrolled."""

    @property
    def contact(self) -> Literal["mail", "phone"] | None:
        """The kind of contact point that `Ask.contact` has to be, and that is sent to; None when nothing is sent."""

    @property
    def life(self) -> timedelta:
        """How long a challenge can be answered."""

    def begin(self, ask: Ask) -> Begun:
        """Begin the challenge; the same *ask* begins the same one.

        Raise `Refused` with the way on when the person has no enrolment or contact point for it. The words are the same
        whatever the reason, and say nothing about who exists.
        """

    def message(self, ask: Ask) -> Message | None:
        """What has to be sent, made again from *ask* each time; None when the method sends nothing."""

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """Check *answer*, given at *at*, in constant time where it is a secret.

        Raise `Refused` whose first reason is `wrong_answer`, `expired`, `replayed`, `exhausted`, `not_enrolled`,
        `origin` or `user_verification`, and whose second is `final` where no other answer could do: the method ended in
        no. Raise `Invalid` when an attesting human wrote something that is no statement, which is no failure of the
        person. An answer to another challenge, case, account or purpose is a wrong answer.
        """

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """Check a stored *proof* again from raw material, years later and without a clock.

        Raise `Refused` when it does not hold or belongs to something else. Counters are left aside: they only say what
        came later. Where nothing raw remains (a code), only what the proof says of itself is checked.
        """


@runtime_checkable
class SendsPrompts(Protocol):
    """What a method does besides whose prompt a provider makes appear."""

    def prompt(self, ask: Ask) -> str:
        """Have the prompt of *ask* appear, and return what has to be kept of it: a payload, given back as `Ask.prompt`.

        Raise `Unavailable` only where nothing was sent and it may be tried again; `Refused` where it was not sent, or
        where nobody knows, so that nobody is prompted twice for one challenge.
        """


class SignedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that held: the enrolment that made it, its *counter* now used up, and the *proof* to store."""

    credential: str
    counter: int
    proof: SignedProof


class SignerPort(Protocol):
    """A way for an approver to sign bytes with what is enrolled for them."""

    def sign_options(self, challenge: bytes, credentials: tuple[Credential, ...]) -> str:
        """`PublicKeyCredentialRequestOptions` as JSON; `Refused` where none of *credentials* can sign."""

    def signed(self, challenge: bytes, credentials: tuple[Credential, ...], answer: str) -> SignedAnswer:
        """Check the browser's *answer*, with user verification; raise `Refused` as `MethodPort.check` does."""


def not_enrolled(what: str) -> Refused:
    """The one refusal for a person who can not be asked this way, whatever the reason."""
    return Refused(
        f"This method can not be used here: there is no {what} to check against.",
        "Use another method the procedure names, or escalate the case so that the person proves themself in person.",
        ("not_enrolled",),
    )


def wrong_answer() -> Refused:
    """The one refusal for an answer that does not prove, whatever is wrong with it."""
    return Refused(
        "The answer does not prove this person.",
        f"Try again with a fresh answer; {TRIES} wrong answers end the challenge and count as a failure.",
        ("wrong_answer",),
    )


def demand_same_method(proof: Proof, name: str) -> None:
    """Raise `Refused` when *proof* was made by another method than *name*."""
    if proof.method != name:
        raise Refused(
            f"This proof was made by {proof.method}, not by {name}.",
            "Do not act on it; verify the person again.",
            ("wrong_answer",),
        )
