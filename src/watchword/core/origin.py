"""Where callers and failures come from: a number, an address, a device, an agent; throttled before any target is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, OriginId, PersonId

Source = Literal["number", "address", "device"]
"""The caller's number as the desk wrote it down, the network address and the browser of the caller's own page."""


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


class OriginGuessed(msgspec.Struct, frozen=True, kw_only=True, tag="origin.guessed"):
    """As many sign-ins failed from this address, within a short time, as any address may fail: it has to wait."""

    origin: OriginId
    failures: int


OriginEvent = OriginFailed | OriginSeen | OriginGuessed


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


GUESSED_WITHIN, GUESSED_WAIT, GUESSED_LONGEST = timedelta(days=1), timedelta(minutes=1), timedelta(minutes=15)
"""An address that guessed waits a minute, twice as long each further time within a day, a quarter of an hour at most.

Whoever shares it waits as well, so that it is never longer.
"""

GUESSED_KEPT = 5
"""How many times are remembered: so many make the longest wait, and what guesses for a year takes no more memory."""


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
    guessed: tuple[datetime, ...] = ()

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

    def demand_sign_in(self, at: datetime) -> None:
        """Raise `Refused` while nobody signs in from here, because passwords were guessed from here."""
        lately = [t for t in self.guessed if t <= at < t + GUESSED_WITHIN]
        if not lately:
            return
        until = lately[-1] + min(GUESSED_WAIT * 2 ** min(len(lately) - 1, 16), GUESSED_LONGEST)
        if at < until:
            raise Refused(
                "Too many failed sign-ins came from this address.",
                f"Try again after {until:%H:%M:%S} UTC.",
                ("sign_in_throttled",),
            )


def evolve_origin(origin: Origin, event: OriginEvent, at: datetime) -> Origin:
    """Fold one event appended at *at*; an origin nobody knows is `Origin()`."""
    if isinstance(event, OriginGuessed):
        return msgspec.structs.replace(origin, guessed=(*origin.guessed, at)[-GUESSED_KEPT:])
    seen = Seen(at=at, case=event.case, account=event.account)
    if isinstance(event, OriginSeen):
        return msgspec.structs.replace(origin, seen=(*origin.seen, seen))
    failed = Failure(at=at, account=event.account)
    return msgspec.structs.replace(origin, failures=(*origin.failures, failed))
