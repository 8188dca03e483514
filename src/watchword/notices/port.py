"""The port every channel implements: send one notice, say under which id, or say why not."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from watchword.core.account import Contact
from watchword.core.errors import Invalid

_MAIL = re.compile(r"(?=.{3,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\Z")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}\Z")
_SEPARATORS = str.maketrans("", "", " ()-./\u00a0")
_LONGEST = 10_000
_HARMLESS = str.maketrans("\u00a0", " ", "\u200c\u200d")

Channel = Literal["mail", "call", "sms"]
"""How something reaches a person."""

KINDS: dict[Channel, str] = {"mail": "mail", "call": "phone", "sms": "phone"}
"""Which kind of contact point a channel takes."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell one person over one channel.

    *kind* is what it is about (`code`, `alert`, `hand_over`, …), *id* the effect's own, the same at every attempt,
    *at* when it became due. *subject* is one line; a call speaks *text* alone, in *language* (a tag such as `de`).
    """

    id: str
    kind: str
    to: Contact
    subject: str
    text: str
    at: datetime
    language: str = "en"

    def __repr__(self) -> str:
        """Without address and text: the text may hold a code, and what is printed ends up in logs."""
        return f"Notice(id={self.id!r}, kind={self.kind!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("kind", self.kind)]


class Notifier(Protocol):
    """A channel. Each adapter passes `watchword.notices.contract.NotifierContract`."""

    @property
    def channel(self) -> Channel:
        """`mail` takes contacts of kind mail, `call` and `sms` those of kind phone."""

    @property
    def simulated(self) -> bool:
        """True when nothing leaves this machine; every page of the console says so."""

    def send(self, notice: Notice) -> str:
        """Send *notice* and return the far end's or our own message id, which follows from `Notice.id` alone.

        Raise `Invalid` when this notice can never go out (address, header, refused for good), `Unavailable` when it may
        be tried again. Sending again after silence may deliver twice, under the same id. Neither the address nor the
        text stands in an error.
        """


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One thing security has to look at now; *id* is the effect's own, the same at every attempt."""

    id: str
    event: str
    case: str
    subject: str
    text: str
    at: datetime


class Pager(Protocol):
    """A way to reach whoever is on duty; what it *queues* waits there to be looked at, and wakes nobody."""

    @property
    def queues(self) -> bool:
        """Whether what is sent there waits in a queue."""

    def page(self, page: Page) -> None:
        """Send *page*; raise `Unavailable` when it may be tried again, `Invalid` when it can never go out."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a browser is woken (RFC 8030): the *endpoint* at its push service, its key and secret (RFC 8291).

    *p256dh* (65 bytes) and *auth* (16 bytes) are base64url.
    """

    endpoint: str
    p256dh: str
    auth: str

    def __repr__(self) -> str:
        """Without what lets anybody wake the browser."""
        return "Subscription()"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


class Waker(Protocol):
    """A way to wake a browser whose page is closed."""

    @property
    def key(self) -> str:
        """The public key a browser subscribes for (RFC 8292): an uncompressed P-256 point, base64url."""

    def demand(self, subscription: Subscription) -> None:
        """Raise `Invalid` unless *subscription* can be sent to and leads to a push service that is trusted."""

    def wake(self, subscription: Subscription, text: str, at: datetime, until: datetime) -> None:
        """Have the browser show *text*, for as long as *until*; *at* is now.

        Raise `Unavailable` when it may be tried again, `Invalid` when it never will be taken. Nothing of the
        subscription stands in an error.
        """


def demand_sendable(notice: Notice, channel: Channel) -> str:
    """The address or number to send to, normalised; raise `Invalid` unless *notice* can go out over *channel*.

    A mail address is one ASCII `addr-spec` without quoting; a number is E.164, its separators taken out. A subject is
    printable and on one line, so that no header can be smuggled in; so is the id.
    """
    if not notice.subject.strip() or not _shows(notice.subject) or len(notice.subject) > 200:
        raise Invalid(
            "The subject is not one printable line.", "Write one line of at most 200.", where="notice.subject"
        )
    if not notice.id or not notice.id.isprintable():
        raise Invalid("The notice has no printable id.", "Use the id of its effect.", where="notice.id")
    if not notice.text.strip() or not _shows(notice.text.replace("\n", " ")) or len(notice.text) > _LONGEST:
        raise Invalid(
            "The text is empty, too long or holds control characters.",
            f"Write plain text of at most {_LONGEST} characters.",
            where="notice.text",
        )
    kind = KINDS[channel]
    if notice.to.kind != kind:
        raise Invalid(f"A {channel} can not go to a {notice.to.kind} contact.", f"Use a {kind}.", where="notice.to")
    return _mail(notice.to.value) if channel == "mail" else _phone(notice.to.value)


def _shows(line: str) -> bool:
    """Whether nothing in *line* obeys anybody.

    French has a space that does not break before some signs, and names are spelt with joiners: where one may stand is
    held where a name is typed, so that no notice is lost over it here.
    """
    return line.translate(_HARMLESS).isprintable()


def _mail(value: str) -> str:
    address = value.strip(" ")
    if not _MAIL.match(address) or ".." in address:
        raise Invalid(
            "The mail address of record is not one plain address.",
            "Correct it in the directory; a corrected address counts after 30 days.",
            where="notice.to",
        )
    return address


def _phone(value: str) -> str:
    number = value.translate(_SEPARATORS)
    if not _PHONE.match(number):
        raise Invalid(
            "The phone number of record is not international.",
            "Write it in the directory with its country code, such as +49 30 1234567; it counts after 30 days.",
            where="notice.to",
        )
    return number
