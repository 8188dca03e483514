"""Text messages over HTTP: a provider shaped like Twilio, and a generic gateway that takes JSON."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import ClassVar, Protocol
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from watchword.core.errors import Invalid, Unavailable
from watchword.core.host import is_loopback
from watchword.notices.port import Channel, Notice, demand_sendable

LONGEST = 1_600
"""Characters of one text message, in as many parts as it takes."""

_RETRY = "It is tried again under the same id; `watchword doctor` says what is configured."


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a provider did not take a text: its own *code*; *for_good* when this number can never be reached."""

    code: str
    for_good: bool


class Gateway(Protocol):
    """How one kind of provider is asked, and what its answer means."""

    @property
    def url(self) -> str:
        """Where a text is posted to."""

    def request(self, number: str, text: str, id: str) -> httpx2.Request:  # noqa: A002
        """What is asked to send *text* to *number* (E.164) under *id*."""

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """What an answer says was wrong; None when the text was taken."""


TWILIO = "https://api.twilio.com"

_UNREACHABLE = frozenset({"21211", "21214", "21217", "21610", "21612", "21614", "30003", "30004", "30005", "30006"})
"""Twilio's codes for a number that is none, takes no texts, or whose holder wants none; the rest is our set-up."""


class _Said(msgspec.Struct):
    sid: str | None = None
    status: str | int | None = None
    code: int | None = None
    error_code: int | None = None


def twilio_refusal(status: int, body: bytes) -> Refusal | None:
    """What an answer shaped like Twilio's says was wrong; what was taken has a SID and no state of failure."""
    try:
        said = msgspec.json.decode(body, type=_Said)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        said = _Said()
    if status in {200, 201} and said.sid and said.status not in {"failed", "undelivered", "canceled"}:
        return None
    code = str(said.code or said.error_code or status)
    return Refusal(code=code, for_good=code in _UNREACHABLE)


class TwilioShaped(msgspec.Struct, frozen=True, kw_only=True):
    """A form POST under basic authentication; errors are JSON with a number of their own.

    *sender* is a number in E.164 or a messaging service (`MG…`), *base* where the provider answers. There is no key
    against repeats: a text sent again after silence may arrive twice.
    """

    account: str
    token: str
    sender: str
    base: str = TWILIO

    def __repr__(self) -> str:
        """Without the token."""
        return f"TwilioShaped(account={self.account!r}, base={self.base!r})"

    @property
    def url(self) -> str:
        """See `Gateway.url`."""
        return f"{self.base.rstrip('/')}/2010-04-01/Accounts/{quote(self.account, safe='')}/Messages.json"

    def request(self, number: str, text: str, id: str) -> httpx2.Request:  # noqa: A002
        """See `Gateway.request`."""
        del id
        by = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        basic = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        form = {"To": number, by: self.sender, "Body": text}
        return httpx2.Request("POST", self.url, data=form, headers={"Authorization": f"Basic {basic}"})

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """See `Gateway.refusal`."""
        return twilio_refusal(status, body)


class GenericGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON POST of `to`, `text` and `id` to *url* with a bearer *token*; any status of success takes it.

    *id* stands in the header `Idempotency-Key` as well, so that a gateway can tell a repeat from a second text.
    """

    url: str
    token: str

    def __repr__(self) -> str:
        """Without the token."""
        return f"GenericGateway(url={self.url!r})"

    def request(self, number: str, text: str, id: str) -> httpx2.Request:  # noqa: A002
        """See `Gateway.request`."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": id}
        return httpx2.Request("POST", self.url, json={"to": number, "text": text, "id": id}, headers=headers)

    def refusal(self, status: int, body: bytes) -> Refusal | None:
        """See `Gateway.refusal`; 400, 410 and 422 speak of this text, every other status of the gateway or of us."""
        del body
        return None if 200 <= status < 300 else Refusal(code=str(status), for_good=status in {400, 410, 422})


class Exchange:
    """Asks one gateway, of whose messages *kind* (`sms`, `call`) says what they are; safe to use from several threads.

    *timeout_s* bounds each part of it.
    """

    def __init__(self, url: str, kind: str, *, timeout_s: float = 10.0) -> None:
        """Raise `Invalid` for an address that would carry codes in the clear, or is none."""
        parts = urlsplit(url)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username:
            raise Invalid(f"The address of the {kind} service is none.", f"Set {kind}.url.", where=f"{kind}.url")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise Invalid(
                f"What goes through {parts.hostname} would travel in the clear, codes included.",
                "Use https; http is for a gateway on this machine.",
                where=f"{kind}.url",
            )
        self._host = parts.hostname
        self._kind, self._what = kind, "text" if kind == "sms" else "call"
        # Straight there: neither a proxy of the environment nor wherever it redirects is who was meant.
        self._http = httpx2.Client(timeout=timeout_s, trust_env=False, follow_redirects=False)

    def ask(self, request: httpx2.Request, refusal: Callable[[int, bytes], Refusal | None]) -> None:
        """Send *request*; raise `Invalid` where this number can never be reached, `Unavailable` for all else."""
        try:
            answer = self._http.send(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Unavailable(f"{self._host} can not be reached; nothing was sent ({_kind(error)}).", _RETRY) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Unavailable(
                f"{self._host} broke off before it answered; "
                f"whether the {self._what} went out is unknown ({_kind(error)}).",
                _RETRY,
            ) from error
        refused = refusal(answer.status_code, answer.content)
        if refused is None:
            return
        # The provider's own words are left out: they repeat the number.
        if refused.for_good:
            raise Invalid(
                f"The {self._what} service refused the number for good (code {refused.code}).",
                "Use another method for this person, and have the number of record checked.",
                where="notice",
            )
        busy = answer.status_code == 429 or answer.status_code >= 500
        set_up = f"Check url, account, sender and token of `[{self._kind}]` in watchword.toml; it is tried again."
        raise Unavailable(
            f"The {self._what} service did not take the {self._what} (code {refused.code}).", _RETRY if busy else set_up
        )


class HttpTexts:
    """Texts through one gateway."""

    channel: ClassVar[Channel] = "sms"
    simulated: ClassVar[bool] = False

    def __init__(self, gateway: Gateway, *, timeout_s: float = 10.0) -> None:
        """Raise what `Exchange` raises."""
        self._gateway = gateway
        self._exchange = Exchange(gateway.url, "sms", timeout_s=timeout_s)

    def send(self, notice: Notice) -> str:
        """See `Notifier.send`; the id follows from the notice's, and is the gateway's key against repeats."""
        number = demand_text(notice)
        id_ = f"sms-{hashlib.sha256(notice.id.encode()).hexdigest()[:32]}"
        self._exchange.ask(self._gateway.request(number, notice.text, id_), self._gateway.refusal)
        return id_


def demand_text(notice: Notice) -> str:
    """The number to send to, in E.164; raise `Invalid` unless *notice* can go out as a text of at most `LONGEST`."""
    number = demand_sendable(notice, "sms")
    if len(notice.text) > LONGEST:
        raise Invalid("The text is too long for a message.", f"Write at most {LONGEST} characters.", "notice.text")
    return number


def _kind(error: Exception) -> str:
    return type(error).__name__
