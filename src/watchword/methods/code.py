"""One-time codes that are derived and never stored: what mail, call and text message have in common."""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from watchword.core.errors import Invalid
from watchword.core.ids import CaseId
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

DIGITS = 8
"""Digits in a code: with three answers to a challenge, a guess succeeds three times in a hundred million."""

_SEPARATORS = str.maketrans("", "", " -\u00a0\u2009\u202f")


def short(case: CaseId) -> str:
    """A case id as people read it out: its first eight characters."""
    return case[:8]


class DerivedCode(ABC):
    """A code of eight digits, HMAC-SHA256 under *key* of the ask's statement; the same ask has the same code.

    *key* is 32 bytes derived from the key file for codes alone. Whoever holds it can make every code; a restart needs
    nothing else to check codes already sent.
    """

    name: ClassVar[str]
    channel: ClassVar[Literal["mail", "call", "sms"]]
    contact: ClassVar[Literal["mail", "phone"]]
    voice: ClassVar[bool]
    life: ClassVar[timedelta]
    where: ClassVar[str]
    enforced: ClassVar[bool] = True
    enrolment: ClassVar[str | None] = None

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise Invalid("The key for codes is too short.", "Derive 32 bytes from the key file.", where="codes")
        self._key = key

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`."""
        self._demand_contact(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}"),
            show_agent=f"A code is on its way to {self.where}. The person types it in; do not ask for it.",
            send=self.channel,
        )

    def message(self, ask: Ask) -> Message:
        """See `MethodPort.message`."""
        self._demand_contact(ask)
        return self._words(self._code(ask), ask)

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; spaces and hyphens in *answer* are ignored."""
        self._demand_contact(ask)
        ask.demand_open(self.life, at)
        given = answer.translate(_SEPARATORS).encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._code(ask).encode("ascii")):
            raise wrong_answer()
        return Proof(method=self.name, detail={"channel": self.channel, "digits": DIGITS})

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: of a code nothing remains but that this method accepted it."""
        del ask
        demand_same_method(proof, self.name)

    @abstractmethod
    def _words(self, code: str, ask: Ask) -> Message:
        """The message in the channel's own manner."""

    def _code(self, ask: Ask) -> str:
        digest = hmac.digest(self._key, ask.statement(self.name), hashlib.sha256)
        # 256 bits over 10**8 values: the bias of the remainder is below 2**-229.
        return f"{int.from_bytes(digest) % 10**DIGITS:0{DIGITS}d}"

    def _demand_contact(self, ask: Ask) -> None:
        if ask.contact is None or ask.contact.kind != self.contact or not ask.contact.value.strip():
            raise not_enrolled(f"{self.contact} contact point of record")
