"""How the feeds that are followed are: whether they speak, and whether what they say is what they are said to be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from watchword.core.errors import Invalid
from watchword.core.identity_event import Verdict
from watchword.watch.sources.heartbeat import LEARNED, Heartbeat
from watchword.watch.sources.port import Told
from watchword.watch.sources.spool import Slice, Spool
from watchword.watch.sources.understood import keep_understood, understood
from watchword.watch.tenants import several_said
from watchword.watch.verdicts import FileShare, VerdictRow


class Pulse:
    """How the feed *name* of *spool* is, as of *at*: *quiet* is how long it may be silent, when that is not learned.

    *share* is how much of it may be nothing that its provider is known to write.
    """

    def __init__(self, name: str, spool: Spool, quiet: timedelta | None, share: float, at: datetime) -> None:
        self._name, self._spool, self._share = name, spool, share
        self._seen = understood(spool)
        self._told: tuple[Told, ...] | None = None
        self._came: tuple[datetime, ...] = ()
        self.read, self.rejected, self.unknown = 0, 0, 0
        """Lines that were read since the start; those that are no events, and those of unknown types."""
        self._heart = Heartbeat(name, quiet, self._seen.alive(spool.arrivals(at - LEARNED)))

    @property
    def last(self) -> datetime | None:
        """When the last of it came; None when nothing did."""
        return self._heart.last

    @property
    def blind_since(self) -> datetime | None:
        """Since when it is silent beyond its limit, or not understood."""
        return self._heart.blind_since or (self._seen.since if self._seen.is_strange else None)

    def take(self, part: Slice, share: FileShare, example: str, tenants: Mapping[str, int]) -> None:
        """Take note of what a step read: *part*, what its lines were, and an *example* of what is not known.

        *tenants* are those that lines name, with how many, where it is not said which it is of.
        """
        strange = share.rejected + share.unknown
        self._came = part.came if share.lines > strange else ()
        if part.until <= self._seen.place:  # read again, after a step that came to nothing
            return
        self.read, self.rejected = self.read + share.lines, self.rejected + share.rejected - share.elsewhere
        self.unknown += share.unknown
        seen = self._seen.after(part.came, share.lines, strange, self._share, share.provider, example)
        self._seen = msgspec.structs.replace(seen.naming(tenants), place=part.until)
        # Before the step is committed: one that is killed is read again, and told again.
        keep_understood(self._spool, self._seen)

    def beat(self, at: datetime) -> tuple[Told, ...]:
        """What is to be told as of *at*."""
        told = tuple(self._besides(one) for one in self._heart.beat(self._came, at))
        self._came = ()
        before, self._told = self._told, self._seen.told(self._name)
        return told if self._told == before else (*told, *self._told)

    def several(self) -> str | None:
        """That its lines are of several tenants, once for each that comes; None where there is nothing to tell."""
        if not self._seen.has_tenants_to_tell:
            return None
        self._seen = msgspec.structs.replace(self._seen, told_tenants=len(self._seen.tenants))
        keep_understood(self._spool, self._seen)
        return several_said(self._name, self._seen.tenants)

    def _besides(self, told: Told) -> Told:
        """That lines came all the same is told with the silence."""
        seen = self._seen
        if "feed_back" in told.reasons or not seen.said or seen.read is None or (seen.known or told.at) >= seen.read:
            return told
        return msgspec.structs.replace(told, detail=f"{told.detail}; what came since is not understood: {seen.said}")


def row_about(told: Told, provider: str, directory: str | None) -> VerdictRow:
    """What a feed of *provider* tells of itself, as a row."""
    return VerdictRow(
        id=f"feed/{told.key}",
        provider=provider,
        directory=directory or provider,
        action=None,
        native_action="",
        actor="",
        target=told.about,
        at=told.at,
        outcome="",
        address=None,
        socket=None,
        correlation=None,
        folded=1,
        detail=told.detail,
        verdict=Verdict.SUSPICIOUS,
        reasons=told.reasons,
        case=None,
        ticket=None,
        leaves=(),
    )


def unusable(name: str, fault: Invalid, at: datetime) -> Told:
    """That what is called *name* can not be used."""
    return Told(reasons=("feed_failing",), at=at, key=f"{name}/{at.isoformat()}", about=name, detail=fault.what)
