"""A prompt in a provider's app that asks for a number: the desk tells it, the provider says whether it was given.

The provider's word is what proves, so it falls to whoever administers the provider as well. An app that offers three
numbers to pick from leaves somebody who answers prompts without having asked for one a chance of one in three, once: a
wrong pick ends the method. An app that has the number typed leaves them what its digits leave.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Protocol

import msgspec

from watchword.core.errors import Invalid, Refused
from watchword.core.person import Credential
from watchword.core.prompt import FACTOR
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

LIFE = timedelta(minutes=5)
"""How long a prompt can be answered; a provider is asked to end it then."""

Outcome = Literal["waiting", "approved", "denied", "over"]
"""over: it ran out, or the provider says something nobody here knows."""


class Sent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prompt a provider sent: its *transaction* there, and the *number* the person has to pick or type."""

    transaction: str
    number: str


class PromptSender(Protocol):
    """A provider of prompts; *target* is the enrolment as it is kept, and whose prompt it is."""

    def send(self, target: bytes) -> Sent:
        """See `SendsPrompts.prompt`."""

    def outcome(self, target: bytes, transaction: str) -> Outcome:
        """What became of a prompt; raise `Unavailable` where the provider does not say."""


class _Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Ask.prompt`: what was *sent*, and that it was for this ask (*seal*, hex)."""

    sent: Sent
    seal: str


class _Picked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`Proof.raw`: the transaction the provider said yes to, and our *seal* that it did."""

    transaction: str
    seal: str


class ProviderPush:
    """Prompts through one *sender*; *key* (32 bytes) seals what is kept of them to their ask.

    *enrolment* is the `Credential.method` of the *app*; *deed* is what the person does with the number there,
    *life* how long it can be answered.
    """

    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    contact: ClassVar[Literal["mail", "phone"] | None] = None

    def __init__(
        self,
        name: str,
        app: str,
        sender: PromptSender,
        key: bytes,
        *,
        enrolment: str = FACTOR,
        deed: Literal["pick", "type"] = "pick",
        life: timedelta = LIFE,
    ) -> None:
        if len(key) < 32:
            raise Invalid("The key for prompts is too short.", "Derive 32 bytes from the key file.", where="prompts")
        self.name = name
        self.app = app
        self.enrolment: str | None = enrolment
        self.deed = deed
        self.life = life
        self._sender = sender
        self._key = key

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`; the number is shown once the provider has sent the prompt.

        At the hand-over, where no agent takes part, the caller's page shows it.
        """
        self._enrolled(ask)
        expires = ask.at + self.life
        kept, say = self._kept(ask), words(ask.language)
        if kept is None:
            late = (
                f"{self.app} is asked to prompt the person; the number is shown here once it has. "
                "If it is not within a minute, begin the method again."
            )
            soon = say(f"ask.{self.name}_soon")
            return Begun(expires=expires, show_agent=late if ask.purpose == "verify" else None, show_caller=soon)
        if ask.purpose == "hand_over":
            return Begun(expires=expires, show_caller=say(f"ask.{self.name}_here", number=kept.sent.number))
        return Begun(
            expires=expires,
            show_caller=say(f"ask.{self.name}"),
            show_agent=f"Tell the person this number: {kept.sent.number}. They {self.deed} it in {self.app}.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: what is sent, the provider sends."""
        del ask
        return None

    def prompt(self, ask: Ask) -> str:
        """See `SendsPrompts.prompt`."""
        _, target = self._enrolled(ask)
        sent = self._sender.send(target)
        return msgspec.json.encode(_Kept(sent=sent, seal=self._seal("sent", ask, sent.transaction))).decode()

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; *answer* says nothing, the provider is asked. `pending` where nobody answered yet."""
        del answer
        credential, target = self._enrolled(ask)
        ask.demand_open(self.life, at)
        if ask.prompt is None:
            raise _pending()
        kept = self._kept(ask)
        if kept is None:
            raise wrong_answer()
        transaction = kept.sent.transaction
        match self._sender.outcome(target, transaction):
            case "approved":
                picked = _Picked(transaction=transaction, seal=self._seal("approved", ask, transaction))
                detail: dict[str, str | int | bool] = {"credential": credential.id, "number_picked": True}
                return Proof(method=self.name, detail=detail, raw=msgspec.json.encode(picked).decode())
            case "denied":
                raise Refused(
                    "The person refused the prompt, or gave another number.",
                    "Stop, and tell security if they did not ask for it: somebody else may be asking in their name.",
                    ("wrong_answer", "final"),
                )
            case "waiting":
                raise _pending()
            case _:
                raise Refused("The prompt is over.", "Begin the method again, or use another one.", ("expired",))

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: that the provider said yes to a prompt of this ask, which we sealed at the time."""
        demand_same_method(proof, self.name)
        try:
            picked = msgspec.json.decode(proof.raw or "", type=_Picked)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise wrong_answer() from error
        credential = ask.credential.id if ask.credential else None
        right = hmac.compare_digest(picked.seal.encode(), self._seal("approved", ask, picked.transaction).encode())
        if credential is None or proof.detail.get("credential") != credential or not right:
            raise wrong_answer()

    def _enrolled(self, ask: Ask) -> tuple[Credential, bytes]:
        if ask.credential is None or ask.credential.method != self.enrolment or not ask.secret:
            raise not_enrolled("enrolment of an app for prompts")
        return ask.credential, ask.secret

    def _kept(self, ask: Ask) -> _Kept | None:
        """What was sent for *ask*; None where nothing was, or for another one."""
        try:
            kept = msgspec.json.decode(ask.prompt or "", type=_Kept)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        right = self._seal("sent", ask, kept.sent.transaction)
        return kept if hmac.compare_digest(kept.seal.encode(), right.encode()) else None

    def _seal(self, what: str, ask: Ask, transaction: str) -> str:
        credential = ask.credential.id if ask.credential else ""
        said = msgspec.json.encode((what, credential, transaction)) + b"\n" + ask.statement(self.name)
        return hmac.digest(self._key, said, hashlib.sha256).hex()


def _pending() -> Refused:
    return Refused("The person has not answered yet.", "Wait until they have given the number.", ("pending",))
