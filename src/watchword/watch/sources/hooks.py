"""Services that call: signed webhooks whose events are durable before the caller is thanked."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import msgspec

from watchword.core.errors import Conflict, Invalid, WatchwordError
from watchword.watch.sources.spool import Spool

SHORTEST_SECRET = 16
"""Characters of a secret that a webhook is let in by."""

LONGEST = 4 * 1024 * 1024
"""Bytes of one delivery."""


class Denied(WatchwordError):
    """The delivery does not show that it is from whom we agreed with."""

    fault = "not_signed_in"


class Replayed(Conflict):
    """The same signed delivery came before."""


class Hook(Protocol):
    """One feed that is called."""

    def take(self, body: bytes, headers: Mapping[str, str], at: datetime) -> int:
        """Spool the events of a delivery (*headers* with lower-case names); return how many, durable.

        `Denied` when it is from somebody else, `Replayed` when it came before, `Invalid` when it is no delivery.
        """


def demand_secret(secret: str, where: str) -> bytes:
    """*secret* as bytes; `Invalid` when it is too short to let anybody in by."""
    if len(secret) < SHORTEST_SECRET:
        raise Invalid("The secret is too short.", f"Agree on at least {SHORTEST_SECRET} characters.", where)
    return secret.encode()


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object that *body* is; `Invalid` for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Invalid("The body is no JSON.", "Send the documented shape.", where="body") from error
    if not isinstance(value, dict):
        raise Invalid("The body is no JSON object.", "Send the documented shape.", where="body")
    return value


def _line(event: object) -> bytes:
    """*event* as one line of JSON."""
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can write and no text has
        return json.dumps(event).encode()


class OktaHook:
    """An Okta event hook: whatever is in the header `Authorization` has to be *secret*.

    A delivery that is repeated is taken again only where Okta gives it another `eventId`, or where it has none and its
    body is another.
    """

    def __init__(self, spool: Spool, secret: str) -> None:
        self._spool, self._secret = spool, demand_secret(secret, "secret_file")

    def demand_known(self, headers: Mapping[str, str]) -> None:
        """`Denied` unless the caller has the secret; compared in constant time."""
        given = headers.get("authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self._secret):
            raise Denied("The header Authorization is not what was agreed.", "Set it in Okta as in the secret's file.")

    def challenge(self, headers: Mapping[str, str]) -> str:
        """What Okta's one-time verification wants to hear back: its header `x-okta-verification-challenge`."""
        self.demand_known(headers)
        asked = headers.get("x-okta-verification-challenge", "")
        if not asked or len(asked) > 1000:
            raise Invalid("This is no verification.", "Okta sends the challenge in a header.", "headers")
        return asked

    def take(self, body: bytes, headers: Mapping[str, str], at: datetime) -> int:
        """See `Hook.take`."""
        self.demand_known(headers)
        delivery = read_object(body)
        data = delivery.get("data")
        events = data.get("events") if isinstance(data, dict) else None
        if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
            raise Invalid("The delivery has no list of events in data.events.", "Send the documented shape.", "body")
        key = delivery.get("eventId")
        if not isinstance(key, str) or not key:  # or else it could be brought again and again
            key = f"body/{hashlib.sha256(body).hexdigest()}"
        lines = [_line(event) for event in events]
        taken = self._spool.append(lines, at, key=f"okta/{key[:200]}")
        return len(lines) if taken else 0


class HmacHook:
    """A webhook signed with HMAC-SHA256, as hexadecimal in *header* (after *prefix*, such as `sha256=`).

    With *timestamp*, the header that says when it was signed in seconds since 1970, what is signed is the timestamp, a
    full stop and the body, and it may be *tolerance* old; without, the body alone. The same signature is refused the
    second time. Events are the body, or the list that it is, or the list it has under *member*.
    """

    def __init__(
        self,
        spool: Spool,
        secret: str,
        *,
        header: str,
        prefix: str = "",
        timestamp: str | None = None,
        tolerance: timedelta = timedelta(minutes=5),
        member: str | None = None,
    ) -> None:
        self._spool, self._secret = spool, demand_secret(secret, "secret_file")
        self._header, self._prefix, self._timestamp = header.lower(), prefix, timestamp.lower() if timestamp else None
        self._tolerance, self._member = tolerance, member

    def take(self, body: bytes, headers: Mapping[str, str], at: datetime) -> int:
        """See `Hook.take`."""
        signature = self._demand_signed(body, headers, at)
        lines = [_line(event) for event in self._events(body)]
        if not self._spool.append(lines, at, key=f"hmac/{signature}"):
            raise Replayed("This delivery came before.", "Sign each delivery with its own time.")
        return len(lines)

    def _demand_signed(self, body: bytes, headers: Mapping[str, str], at: datetime) -> str:
        denied = Denied("The signature does not hold.", "Sign the body with the agreed secret, and the time with it.")
        given = headers.get(self._header, "")
        if not given.startswith(self._prefix):
            raise denied
        given, signed = given[len(self._prefix) :].strip().lower(), body
        if self._timestamp is not None:
            text = headers.get(self._timestamp, "")
            signed = text.encode("latin-1", "replace") + b"." + body
        expected = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given.encode("latin-1", "replace"), expected.encode()):
            raise denied
        if self._timestamp is not None:
            try:
                when = datetime.fromtimestamp(int(headers.get(self._timestamp, "")), UTC)
            except (ValueError, OverflowError, OSError):
                raise denied from None
            if abs(at - when) > self._tolerance:
                raise Denied("The delivery was signed too long ago.", "Check both clocks.")
        return expected

    def _events(self, body: bytes) -> list[object]:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Invalid("The body is no JSON.", "Send the documented shape.", where="body") from error
        found = value.get(self._member) if self._member and isinstance(value, dict) else value
        events = found if isinstance(found, list) else [found]
        if not all(isinstance(event, dict) for event in events):
            raise Invalid("The body has no events.", "Send a JSON object, or a list of them.", where="body")
        return events


Code = Literal[
    "invalid_request", "invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied"
]
"""Why a SET is not taken (RFC 8935 §2.4)."""
