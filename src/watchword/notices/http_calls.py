"""Automated calls over HTTP: a provider shaped like Twilio, and a gateway of one's own that takes JSON."""

from __future__ import annotations

import base64
import hashlib
from typing import ClassVar, Protocol
from urllib.parse import quote
from xml.sax.saxutils import escape

import httpx2
import msgspec

from watchword.notices.sms import TWILIO, Exchange, Refusal, twilio_refusal

_VOICES = {"en": "en-GB", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"}
"""Which voice speaks a language: a provider wants a country with it."""


class CallGateway(Protocol):
    """How one kind of provider is asked to call, and what its answer means."""

    @property
    def url(self) -> str:
        """Where a call is posted to."""

    def request(self, number: str, say: str, id: str, language: str) -> httpx2.Request:  # noqa: A002
        """What is asked to have *say* spoken to *number* (E.164), under *id*, by a voice of *language*."""

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """What an answer says was wrong; None when the call was taken."""


class TwilioCalls(msgspec.Struct, frozen=True, kw_only=True):
    """A form POST with the words to speak as TwiML; *sender* is the number that calls, *base* where it answers.

    There is no key against repeats: after silence somebody may be called twice, and hears the same code.
    """

    account: str
    token: str
    sender: str
    base: str = TWILIO

    def __repr__(self) -> str:
        """Without the token."""
        return f"TwilioCalls(account={self.account!r}, base={self.base!r})"

    @property
    def url(self) -> str:
        """See `CallGateway.url`."""
        return f"{self.base.rstrip('/')}/2010-04-01/Accounts/{quote(self.account, safe='')}/Calls.json"

    def request(self, number: str, say: str, id: str, language: str) -> httpx2.Request:  # noqa: A002
        """See `CallGateway.request`."""
        del id
        basic = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        voice = _VOICES.get(language.partition("-")[0], _VOICES["en"])
        twiml = f'<Response><Say language="{voice}" loop="2">{escape(say)}</Say></Response>'
        form = {"To": number, "From": self.sender, "Twiml": twiml}
        return httpx2.Request("POST", self.url, data=form, headers={"Authorization": f"Basic {basic}"})

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """See `CallGateway.refusal`."""
        return twilio_refusal(status, body)


class GenericCalls(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON POST of `to`, `text`, `language` and `id` to *url* with a bearer *token*; any status of success takes it.

    *id* stands in the header `Idempotency-Key` as well, so that a gateway can tell a repeat from a second call.
    """

    url: str
    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"GenericCalls(url={self.url!r})"

    def request(self, number: str, say: str, id: str, language: str) -> httpx2.Request:  # noqa: A002
        """See `CallGateway.request`."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": id}
        body = {"to": number, "text": say, "language": language, "id": id}
        return httpx2.Request("POST", self.url, json=body, headers=headers)

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """See `CallGateway.refusal`; 400, 410 and 422 speak of this call, any other status of the gateway or of us."""
        del body
        return None if 200 <= status < 300 else Refusal(code=str(status), for_good=status in {400, 410, 422})


class HttpTelephony:
    """Calls through one gateway; see `telephony.Telephony`."""

    simulated: ClassVar[bool] = False

    def __init__(self, gateway: CallGateway, *, timeout_s: float = 10.0) -> None:
        """Raise what `Exchange` raises."""
        self._gateway = gateway
        self._exchange = Exchange(gateway.url, "call", timeout_s=timeout_s)

    def call(self, to: str, say: str, id: str, language: str) -> str:  # noqa: A002
        """See `Telephony.call`; the id follows from the one given, and is a gateway's key against repeats."""
        id_ = f"call-{hashlib.sha256(id.encode()).hexdigest()[:32]}"
        self._exchange.ask(self._gateway.request(to, say, id_, language), self._gateway.refusal)
        return id_
