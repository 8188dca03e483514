"""A proofing provider that posts its result: signed with a shared secret, with a time, and about one sitting."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

import msgspec

from watchword.core.errors import Invalid, Refused
from watchword.methods.outside import demand_private
from watchword.methods.port import wrong_answer
from watchword.methods.proofing import Check, Identified, Sitting

WINDOW = timedelta(minutes=5)
"""How old a signed result may be when it arrives, and how far the clocks may be apart."""

_LONGEST = 32_768
_SHORTEST_SECRET = 32


class Delivery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result as it was posted: the *body*, when it was signed in seconds since 1970, and the signature, hex."""

    body: str
    timestamp: str
    signature: str


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    reference: str
    status: Literal["passed", "failed"]
    checks: tuple[Check, ...] = ()
    given_name: str = ""
    family_name: str = ""
    birthdate: str = ""


class WebhookProofing:
    """One provider, called *name*, at *url*; *secret* signs `timestamp.body` with HMAC-SHA256."""

    def __init__(self, name: str, url: str, secret: bytes) -> None:
        demand_private(url, "proofing.start")
        if len(secret) < _SHORTEST_SECRET:
            raise Invalid(
                f"The secret of {name} is too short.",
                f"Agree on at least {_SHORTEST_SECRET} bytes.",
                "proofing.secret_file",
            )
        self.name = name
        self._url = url
        self._secret = secret

    @property
    def framework(self) -> str:
        """See `ProofingProvider.framework`."""
        return self.name

    def start(self, sitting: Sitting) -> str:
        """See `ProofingProvider.start`."""
        return f"{self._url}{'&' if '?' in self._url else '?'}{urlencode({'reference': sitting.reference})}"

    def read(self, body: bytes, timestamp: str, signature: str) -> Delivery:
        """What was posted, as text; `Refused` for what is none."""
        try:
            return Delivery(body=body.decode(), timestamp=timestamp, signature=signature)
        except UnicodeError as error:
            raise wrong_answer() from error

    def reference(self, delivery: Delivery, at: datetime) -> str:
        """Which sitting a delivery is about; `Refused` unless it is signed and of now, whatever it says."""
        self._demand_signed(delivery)
        try:
            signed = datetime.fromtimestamp(int(delivery.timestamp), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise wrong_answer() from error
        if not -WINDOW <= at - signed <= WINDOW:
            raise Refused(
                "This result was signed some other time.", "Have the provider deliver it again.", ("replayed",)
            )
        return self._result(delivery).reference

    def redeem(self, sitting: Sitting, answer: str, at: datetime) -> Identified:
        """See `ProofingProvider.redeem`; *answer* is a `Delivery` as JSON."""
        delivery = _parse(answer)
        if not hmac.compare_digest(self.reference(delivery, at).encode(), sitting.reference.encode()):
            raise wrong_answer()
        return self._identified(sitting, delivery)

    def recheck(self, sitting: Sitting, raw: str) -> Identified:
        """See `ProofingProvider.recheck`: with the secret of now, which has to be kept for as long as proofs are."""
        delivery = _parse(raw)
        self._demand_signed(delivery)
        return self._identified(sitting, delivery)

    def _identified(self, sitting: Sitting, delivery: Delivery) -> Identified:
        result = self._result(delivery)
        if not hmac.compare_digest(result.reference.encode(), sitting.reference.encode()):
            raise wrong_answer()
        if result.status != "passed":
            raise Refused(
                "The identity provider says that this is not the person.",
                "Use another method, and treat it as an attempt on the account.",
                ("wrong_answer", "final"),
            )
        return Identified(
            given_name=result.given_name,
            family_name=result.family_name,
            birthdate=result.birthdate,
            checks=frozenset(result.checks),
            raw=msgspec.json.encode(delivery).decode(),
        )

    def _demand_signed(self, delivery: Delivery) -> None:
        signed = f"{delivery.timestamp}.{delivery.body}".encode("utf-8", "replace")
        good = hmac.digest(self._secret, signed, hashlib.sha256).hex()
        if not hmac.compare_digest(good.encode(), delivery.signature.encode("utf-8", "replace")):
            raise wrong_answer()

    def _result(self, delivery: Delivery) -> _Result:
        try:
            return msgspec.json.decode(delivery.body, type=_Result)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise wrong_answer() from error


def _parse(answer: str) -> Delivery:
    if len(answer) > _LONGEST:
        raise wrong_answer()
    try:
        return msgspec.json.decode(answer, type=Delivery)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise wrong_answer() from error
