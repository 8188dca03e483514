"""Where callers come from: a number or an address, throttled before any target is."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import AccountId, CaseId, OriginId


class OriginFailed(msgspec.Struct, frozen=True, kw_only=True, tag="origin.failed"):
    """One failure that came from this caller number or address, on the way to *account*."""

    origin: OriginId
    case: CaseId
    account: AccountId


class Throttle(msgspec.Struct, frozen=True, kw_only=True):
    """How one origin is slowed: from the *failures*-th failure within *window_s* it waits, each time twice as long.

    Failures on more than *targets* accounts within the window close it until they age.
    """

    window_s: int = 86_400
    failures: int = 3
    wait_s: int = 60
    longest_wait_s: int = 3600
    targets: int = 2


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """When something failed, and on the way to which account."""

    at: datetime
    account: AccountId


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers come from; throttled before any target is (invariant 6)."""

    failures: tuple[Failure, ...] = ()

    def demand(self, at: datetime, throttle: Throttle) -> None:
        """Raise `Refused` while this origin has to wait, or has failed on too many accounts."""
        recent = [f for f in self.failures if at - f.at < timedelta(seconds=throttle.window_s)]
        if len({f.account for f in recent}) > throttle.targets:
            raise Refused(
                "This caller's number or address failed on several accounts lately.",
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
                f"{len(recent)} failure(s) came from this caller's number or address lately.",
                f"Try again after {until:%H:%M:%S} UTC, or have the person come in.",
                ("origin_throttled",),
            )


def evolve_origin(origin: Origin, event: OriginFailed, at: datetime) -> Origin:
    """Fold one failure appended at *at*; an origin nobody knows is `Origin()`."""
    return Origin(failures=(*origin.failures, Failure(at=at, account=event.account)))
