"""A time-based one-time password from the person's own authenticator app (RFC 6238)."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar, Literal

import pyotp

from watchword.core.errors import Refused
from watchword.core.person import Credential
from watchword.languages.catalogue import words
from watchword.methods.port import Ask, Begun, Message, Proof, demand_same_method, not_enrolled, wrong_answer

ISSUER = "Watchword"
"""What an authenticator app shows over the codes."""

STEP_S = 30
SEED_BYTES = 20
"""RFC 4226 §4 R6: 160 bits."""


class Totp:
    """Six digits, one step of clock drift either way, and each step once for a credential, whatever the challenge.

    The code itself names no challenge; that it was never accepted before is what binds it (`Credential.counter`).
    """

    name: ClassVar[str] = "totp"
    enforced: ClassVar[bool] = True
    voice: ClassVar[bool] = False
    enrolment: ClassVar[str | None] = "totp"
    contact: ClassVar[Literal["mail", "phone"] | None] = None
    life: ClassVar[timedelta] = timedelta(minutes=5)

    def enrol(self, label: str) -> tuple[bytes, str]:
        """A new seed for the vault, and the `otpauth:` address that shows it to the person, once, as a QR code."""
        seed = secrets.token_bytes(SEED_BYTES)
        return seed, _totp(seed).provisioning_uri(name=label, issuer_name=ISSUER)

    def confirm(self, seed: bytes, answer: str, at: datetime) -> int:
        """The step of the first code, which shows that the app has the seed; raise `Refused` when it does not match.

        It is the first `Credential.counter`, so that the code of the enrolment proves nothing afterwards.
        """
        return _accepted(seed, answer, at, last=None)

    def begin(self, ask: Ask) -> Begun:
        """See `MethodPort.begin`."""
        _enrolled(ask)
        return Begun(
            expires=ask.at + self.life,
            show_caller=words(ask.language)(f"ask.{self.name}"),
            show_agent="The person types the digits from their authenticator app; do not ask for them.",
        )

    def message(self, ask: Ask) -> Message | None:
        """See `MethodPort.message`: nothing is sent."""
        del ask
        return None

    def check(self, ask: Ask, answer: str, at: datetime) -> Proof:
        """See `MethodPort.check`; `Proof.counter` is the step that was used up."""
        credential, seed = _enrolled(ask)
        ask.demand_open(self.life, at)
        step = _accepted(seed, answer, at, last=credential.counter)
        return Proof(method=self.name, detail={"credential": credential.id, "step": step}, counter=step)

    def recheck(self, ask: Ask, proof: Proof) -> None:
        """See `MethodPort.recheck`: the code is gone, and only the enrolment it was checked against is compared."""
        demand_same_method(proof, self.name)
        if ask.credential is None or proof.detail.get("credential") != ask.credential.id:
            raise wrong_answer()


def _enrolled(ask: Ask) -> tuple[Credential, bytes]:
    if ask.credential is None or ask.credential.method != "totp" or not ask.secret:
        raise not_enrolled("authenticator app")
    return ask.credential, ask.secret


def _totp(seed: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(seed).decode("ascii"), interval=STEP_S)


def _accepted(seed: bytes, answer: str, at: datetime, last: int | None) -> int:
    """The newest step within one of *at* whose code is *answer* and that is later than *last*."""
    now = int(at.timestamp()) // STEP_S
    given = answer.replace(" ", "").encode("utf-8", "replace")
    codes = _totp(seed)
    # Every step is compared, so that time does not tell which one matched.
    matches = [s for s in (now - 1, now, now + 1) if hmac.compare_digest(codes.generate_otp(s).encode("ascii"), given)]
    if not matches:
        raise wrong_answer()
    if last is not None and max(matches) <= last:
        raise Refused(
            "This code, or a later one, was already used.", "Wait for the app to show the next code.", ("replayed",)
        )
    return max(matches)
