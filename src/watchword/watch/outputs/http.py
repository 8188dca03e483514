"""Outputs over HTTP: Splunk's event collector, Elastic's bulk API, a signed webhook, a Shared Signals receiver."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import httpx2
import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.watch.formats import format_named
from watchword.watch.formats.finding_alert import AnyAlert
from watchword.watch.formats.security_events import Signer

_OURS = frozenset({400, 413, 422})
"""Answers that are about what was sent; every other failure is about the receiver or its set-up, and is tried again."""


_HEC, _BULK, _LINE = format_named("hec"), format_named("bulk"), format_named("jsonl")


class Shape(Protocol):
    """How one kind of receiver is asked."""

    @property
    def url(self) -> str:
        """Where it listens."""

    def requests(self, alerts: Sequence[AnyAlert]) -> list[httpx2.Request]:
        """What is asked to hand over *alerts*; each is whole by itself, and may be repeated."""

    def check(self, answer: httpx2.Response) -> None:
        """Raise `Invalid` or `Unavailable` where an answer of 2xx still is a refusal."""


class HttpOutput:
    """Sends over HTTP(S) what *shape* says; certificates are those of the system, or of *ca_file*."""

    def __init__(self, shape: Shape, *, ca_file: str | None = None, within_s: float = 15) -> None:
        verify: str | bool = ca_file or True
        self._shape = shape
        self._http = httpx2.Client(timeout=within_s, trust_env=False, follow_redirects=False, verify=verify)

    @property
    def where(self) -> str:
        """See `Output.where`."""
        return _where(self._shape.url)

    def send(self, alerts: Sequence[AnyAlert]) -> None:
        """See `Output.send`."""
        self.ask(self._shape.requests(alerts))

    def ask(self, requests: Iterable[httpx2.Request]) -> None:
        """Send *requests*, one after the other, until one fails; errors as `send`."""
        for request in requests:
            try:
                answer = self._http.send(request)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise Unavailable(
                    f"{self.where} does not answer: {type(error).__name__}.", "It is tried again; look at the receiver."
                ) from error
            if answer.status_code in _OURS:
                raise Invalid(
                    f"{self.where} does not take this: {_said(answer)}.",
                    "Look at what the receiver's log says of it.",
                    where=self.where,
                )
            if not answer.is_success:
                raise Unavailable(
                    f"{self.where} turned us away: {_said(answer)}.",
                    "Check address, token and rights; it is tried again.",
                )
            self._shape.check(answer)

    def close(self) -> None:
        """See `Output.close`."""
        self._http.close()


class Splunk(msgspec.Struct, frozen=True, kw_only=True):
    """`services/collector/event`, with a token of the collector."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"Splunk(url={_where(self.url)!r})"

    def requests(self, alerts: Sequence[AnyAlert]) -> list[httpx2.Request]:
        """See `Shape.requests`."""
        body = b"\n".join(_HEC(alert) for alert in alerts)
        headers = {"Authorization": f"Splunk {self.token}", "Content-Type": "application/json"}
        return [httpx2.Request("POST", self.url, content=body, headers=headers)]

    def check(self, answer: httpx2.Response) -> None:
        """See `Shape.check`; code 0 is success, and nothing else is: a proxy's page of 200 is no receipt."""
        said = _json(answer)
        if not isinstance(said, dict) or said.get("code") != 0 or isinstance(said.get("code"), bool):
            raise Unavailable(f"{_where(self.url)} says: {_said(answer)}.", "Look at the collector's set-up.")


class Elastic(msgspec.Struct, frozen=True, kw_only=True):
    """`_bulk` of a data stream or an index, with an API key."""

    url: str
    token: str | None = None

    def __repr__(self) -> str:
        """Without the key."""
        return f"Elastic(url={_where(self.url)!r})"

    def requests(self, alerts: Sequence[AnyAlert]) -> list[httpx2.Request]:
        """See `Shape.requests`."""
        body = b"".join(_BULK(alert) + b"\n" for alert in alerts)
        headers = {"Content-Type": "application/x-ndjson"}
        if self.token:
            headers["Authorization"] = f"ApiKey {self.token}"
        return [httpx2.Request("POST", self.url, content=body, headers=headers)]

    def check(self, answer: httpx2.Response) -> None:
        """See `Shape.check`; 409 is a document that came before."""
        said = _json(answer)
        if not isinstance(said, dict) or not isinstance(items := said.get("items"), list):
            raise Unavailable(
                f"{_where(self.url)} does not answer as a bulk API: {_said(answer)}.", "Check the address."
            )
        states = [_status(item) for item in items]
        bad = [state for state in states if not 200 <= state < 300 and state != 409]
        if any(state == 429 or state >= 500 for state in bad):
            raise Unavailable(f"{_where(self.url)} is too busy: {max(bad)}.", "It is tried again.")
        if bad:
            raise Invalid(
                f"{_where(self.url)} does not take {len(bad)} of {len(items)} documents: {_said(answer)}.",
                "Look at the mapping of the index.",
                where=_where(self.url),
            )
        sent = answer.request.content.count(b"\n") // 2  # a line that says what to do, and the document
        if len(states) != sent:
            raise Unavailable(
                f"{_where(self.url)} speaks of {len(states)} of {sent} documents: {_said(answer)}.",
                "It is tried again; look at the receiver.",
            )


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """JSON lines to any address, signed: `X-Watchword-Signature: t=SECONDS,v1=HEX`, HMAC-SHA256 over `t.body`."""

    url: str
    secret: bytes
    clock: Callable[[], datetime]

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Webhook(url={_where(self.url)!r})"

    def requests(self, alerts: Sequence[AnyAlert]) -> list[httpx2.Request]:
        """See `Shape.requests`."""
        body = b"".join(_LINE(alert) + b"\n" for alert in alerts)
        at = str(int(self.clock().timestamp()))
        signed = hmac.new(self.secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"Content-Type": "application/x-ndjson", "X-Watchword-Signature": f"t={at},v1={signed}"}
        return [httpx2.Request("POST", self.url, content=body, headers=headers)]

    def check(self, answer: httpx2.Response) -> None:
        """See `Shape.check`."""


class SignalsPush(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of security events (RFC 8935): one token a request."""

    url: str
    signer: Signer
    token: str | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"SignalsPush(url={_where(self.url)!r})"

    def requests(self, alerts: Sequence[AnyAlert]) -> list[httpx2.Request]:
        """See `Shape.requests`."""
        authorization = f"Bearer {self.token}" if self.token else None
        tokens = [token for alert in alerts for _, token in self.signer.tokens(alert)]
        return [pushed(self.url, token, authorization) for token in tokens]

    def check(self, answer: httpx2.Response) -> None:
        """See `Shape.check`; anything but 202 is no receipt (RFC 8935, 2.2)."""
        if answer.status_code != 202:
            raise Unavailable(
                f"{_where(self.url)} does not receipt security events: {_said(answer)}.", "Check the address."
            )


def pushed(url: str, token: str, authorization: str | None) -> httpx2.Request:
    """One security event *token* on its way to *url* (RFC 8935, 2.1)."""
    headers = {"Content-Type": "application/secevent+jwt", "Accept": "application/json"}
    if authorization:
        headers["Authorization"] = authorization
    return httpx2.Request("POST", url, content=token, headers=headers)


def _where(url: str) -> str:
    """*url* without what a receiver may be known by."""
    return str(httpx2.URL(url).copy_with(username=None, password=None, query=None))


def _json(answer: httpx2.Response) -> object:
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return None


def _status(item: object) -> int:
    if isinstance(item, Mapping):
        for done in item.values():
            if isinstance(done, Mapping) and isinstance(status := done.get("status"), int):
                return status
    return 500


def _said(answer: httpx2.Response) -> str:
    text = "".join(c if c.isprintable() else " " for c in answer.text[:200]).strip()
    return f"{answer.status_code} {text}".strip()
