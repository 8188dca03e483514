"""Where callers come from: a number or an address, throttled before any target is."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Refused
from watchword.core.ids import CaseId, OriginId


class OriginFailed(msgspec.Struct, frozen=True, kw_only=True, tag="origin.failed"):
    """One failure that came from this caller number or address."""

    origin: OriginId
    case: CaseId


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers come from; throttled before any target is (invariant 6)."""

    failures: tuple[datetime, ...] = ()

    def demand(self, at: datetime) -> None:
        """Raise `Refused` while this origin has to wait: 30 s after its first failure of the day, doubling, to 1 h."""
        recent = [t for t in self.failures if at - t < timedelta(days=1)]
        if not recent:
            return
        wait = min(timedelta(seconds=30 * 2 ** (len(recent) - 1)), timedelta(hours=1))
        if at < recent[-1] + wait:
            raise Refused(
                f"{len(recent)} failure(s) came from this caller's number or address within a day.",
                f"Try again after {(recent[-1] + wait):%H:%M:%S} UTC, or have the person come in.",
                ("origin_throttled",),
            )


def evolve_origin(origin: Origin, _event: OriginFailed, at: datetime) -> Origin:
    """Fold one failure appended at *at*; an origin nobody knows is `Origin()`."""
    return Origin(failures=(*origin.failures, at))
