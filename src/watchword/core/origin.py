"""Where callers and failures come from: a number, an address, a device, an agent; throttled before any target is."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId

Source = Literal["number", "address", "device"]
"""The caller's number as the desk wrote it down, the network address and the browser of the caller's own page."""


SITE = 64
"""Leading bits of an IPv6 address that say whose it is: below them each device takes new ones at will (RFC 8981)."""

_KEEPS_ZERO = ("39", "378", "379")
"""Country codes after which the 0 of a national number is dialled."""


def plain(kind: Source, value: str, country: str = "") -> str:
    """The one form of where somebody comes from, however it was written.

    A number is `+` and digits, where it says its country or *country* (a code, such as 49) does, else its digits; what
    has none is its words. Of an IPv6 address the first 64 bits count, and one that stands for an IPv4 address is that.
    """
    value = unicodedata.normalize("NFKC", value).strip()
    if kind == "number":
        return _number(value, country)
    return _address(value) if kind == "address" else value


def _number(written: str, country: str) -> str:
    kept = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in written)
    found = [c for c in kept if c.isdecimal()]
    if not found:
        return written.casefold()
    last = next((n for n, c in enumerate(kept) if c.isalpha() and any(d.isdecimal() for d in kept[:n])), len(kept))
    kept = kept[:last]  # an extension is behind the same number
    abroad = "011" if country == "1" else "00"
    digits = "".join(c for c in kept if c.isdecimal())
    if kept.lstrip(" (").startswith("+") or digits.startswith(abroad):
        if "(0)" in kept and not digits.removeprefix(abroad).startswith(_KEEPS_ZERO):
            digits = "".join(c for c in kept.replace("(0)", "", 1) if c.isdecimal())
        return f"+{digits.removeprefix(abroad)}"
    if not country:
        return digits
    if country == "1":
        return f"+{digits}" if len(digits) == 11 and digits.startswith("1") else f"+1{digits}"
    return f"+{country}{digits if country in _KEEPS_ZERO else digits.removeprefix('0')}"


def _address(written: str) -> str:
    try:
        host = ip_address(written.partition("%")[0])
    except ValueError:
        return written.casefold()
    if isinstance(host, IPv6Address):
        return str(host.ipv4_mapped or ip_network((host, SITE), strict=False))
    return str(host)


class OriginFailed(msgspec.Struct, frozen=True, kw_only=True, tag="origin.failed"):
    """One failure that came from this caller number or address, on the way to *account*."""

    origin: OriginId
    case: CaseId
    account: AccountId


class OriginSeen(msgspec.Struct, frozen=True, kw_only=True, tag="origin.seen"):
    """A case for *account* came from here, failed or not: one that asks for several people is a campaign."""

    origin: OriginId
    case: CaseId
    account: AccountId
    kind: Source


OriginEvent = OriginFailed | OriginSeen


def of_agent(person: PersonId) -> OriginId:
    """An agent as where failures come from: whoever tries accounts out at a desk does it through somebody there."""
    return OriginId(f"agent-{person}")


class Throttle(msgspec.Struct, frozen=True, kw_only=True):
    """How one origin is slowed: from the *failures*-th failure within *window_s* it waits, each time twice as long.

    Failures on more than *targets* accounts within the window close it until they age; None never does. *words* say
    what is slowed, and *way_on* what to do meanwhile.
    """

    window_s: int = 86_400
    failures: int = 3
    wait_s: int = 60
    longest_wait_s: int = 3600
    targets: int | None = 2
    words: str = "this caller's number, address or device"
    way_on: str = "have the person come in"


AGENTS = Throttle(
    failures=10,
    longest_wait_s=900,
    targets=None,
    words="verifications this agent began",
    way_on="have another agent take the case",
)
"""An agent waits after ten failures, at most a quarter of an hour: their next caller may well be who they say."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """When something failed, and on the way to which account."""

    at: datetime
    account: AccountId


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """When which case came from here, and for which account."""

    at: datetime
    case: CaseId
    account: AccountId


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers come from; throttled before any target is (invariant 6)."""

    failures: tuple[Failure, ...] = ()
    seen: tuple[Seen, ...] = ()

    def others(self, account: AccountId, since: datetime) -> tuple[CaseId, ...]:
        """The cases for other accounts than *account* that came from here since then."""
        return tuple(dict.fromkeys(s.case for s in self.seen if s.account != account and s.at >= since))

    def demand(self, at: datetime, throttle: Throttle) -> None:
        """Raise `Refused` while this origin has to wait, or has failed on too many accounts."""
        recent = [f for f in self.failures if at - f.at < timedelta(seconds=throttle.window_s)]
        if throttle.targets is not None and len({f.account for f in recent}) > throttle.targets:
            raise Refused(
                f"Several accounts had failures from {throttle.words} lately.",
                "Tell security; a person who is really here comes in.",
                ("origin_targets",),
            )
        beyond = len(recent) - throttle.failures
        if beyond < 0:
            return
        wait = min(throttle.wait_s << min(beyond, 32), throttle.longest_wait_s)
        until = recent[-1].at + timedelta(seconds=wait)
        if at < until:
            raise Refused(
                f"{len(recent)} failure(s) came from {throttle.words} lately.",
                f"Try again after {until:%H:%M:%S} UTC, or {throttle.way_on}.",
                ("origin_throttled",),
            )


def evolve_origin(origin: Origin, event: OriginEvent, at: datetime) -> Origin:
    """Fold one event appended at *at*; an origin nobody knows is `Origin()`."""
    seen = Seen(at=at, case=event.case, account=event.account)
    if isinstance(event, OriginSeen):
        return msgspec.structs.replace(origin, seen=(*origin.seen, seen))
    failed = Failure(at=at, account=event.account)
    return msgspec.structs.replace(origin, failures=(*origin.failures, failed))
